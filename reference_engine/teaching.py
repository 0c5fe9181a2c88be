"""A conversation that shows PASTA-LANG to a model that was not trained on it. Knows no model.

It makes a small model imitate the tags, so that something decodes in parallel; it does not make it plan well.
"""

from collections.abc import Mapping

__all__ = ["lesson"]

RULES = (
    "Answer in independent parts. First write one sentence, then one line for each part: a promise tag with the part's "
    'topic in at most three words and its length in tokens, as in <promise topic="first part" tokens="40"/>. Each part '
    "is then written on its own between <async> and </async>. When all parts are promised, write <sync/> and close "
    "with one sentence."
)
# The grouped layout: a main thread that may not write <async> goes on with its next promise, as it should.
PLANTS = (
    "Healthy houseplants need three things.\n"
    '<promise topic="water" tokens="30"/>\n<promise topic="light" tokens="30"/>\n<promise topic="food" tokens="20"/>'
    "\n<async>\nWater: let the soil dry a little between waterings, and empty the saucer afterwards.</async>"
    "<async>\nLight: a bright window without direct sun suits most plants.</async>"
    "<async>\nFood: feed them every other week in summer, never in winter.</async>"
    "<sync/>\nWith these they will thrive."
)
CYCLING = (
    "Cycling to work has two great advantages.\n"
    '<promise topic="health" tokens="30"/>\n<promise topic="money" tokens="20"/>\n'
    "<async>\nHealth: half an hour a day keeps heart and lungs fit, and the head clear.</async>"
    "<async>\nMoney: a bicycle needs no fuel and hardly any repairs.</async>"
    "<sync/>\nSo leave the car at home."
)
EXAMPLES = (
    ("How do I keep houseplants healthy?", PLANTS),
    ("What are the advantages of cycling to work?", CYCLING),
)


def lesson() -> list[Mapping[str, str]]:
    """Return the messages to put before a user's own: the rules, and two questions with annotated answers."""
    messages: list[Mapping[str, str]] = [{"role": "system", "content": RULES}]
    for question, answer in EXAMPLES:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return messages
