"""The discrete-event simulator: predicts how long answers take to decode, alone and under load. Knows no files."""

from simulator.answer import Answer, predict_pasta, predict_sequential, trace_of
from simulator.job import Job, JobTimes, Piece, run_jobs
from simulator.load import Cluster, break_even, load_curve, serve
from simulator.model_cost import ModelCost
from simulator.prediction import predict
from simulator.replay import engine_speed, replay, replayed_requests, telling_requests
from simulator.replica import Arrival, Serving
from simulator.simulation import RequestTimes, Simulated, simulate
from simulator.strategies import STRATEGIES, Strategy, StrategyOptions, strategy

__all__ = [
    "STRATEGIES",
    "Answer",
    "Arrival",
    "Cluster",
    "Job",
    "JobTimes",
    "ModelCost",
    "Piece",
    "RequestTimes",
    "Serving",
    "Simulated",
    "Strategy",
    "StrategyOptions",
    "break_even",
    "engine_speed",
    "load_curve",
    "predict",
    "predict_pasta",
    "predict_sequential",
    "replay",
    "replayed_requests",
    "run_jobs",
    "serve",
    "simulate",
    "strategy",
    "telling_requests",
    "trace_of",
]
