"""Whether another parent would close a cycle, without recursion and without walking whole trees.

Two walks take turns: up from the new parent, and down from the message. Either one decides alone,
so a check costs about twice the shorter. For trees that are put together from parts that is
O(log n) a repair on average, since the smaller part is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

ParentOf = Callable[[str], "str | None"]
ChildrenOf = Callable[[str], Iterable[str]]


def closing_path(
    message: str, parent: str, parent_of: ParentOf, children_of: ChildrenOf
) -> tuple[str, ...] | None:
    """The cycle that a message would be in below this parent, or None.

    Args:
        message: The message that is to get the parent.
        parent: The parent.
        parent_of: The parent of any other message now; None for a root or a stranger.
        children_of: The messages whose parent a message is now.

    Returns:
        The messages from ``message`` over ``parent`` upwards to ``message`` again.
    """
    if parent == message:
        return (message, message)
    trail = [message, parent]
    seen = {parent}
    came: dict[str, str] = {}
    below = _below(message, children_of, came)
    node = parent_of(parent)
    while node is not None and node not in seen:
        trail.append(node)
        if node == message:
            return tuple(trail)
        child = next(below, None)
        if child is None:
            return None
        if child == parent:
            return _from_below(message, parent, came)
        seen.add(node)
        node = parent_of(node)
    return None


def _below(message: str, children_of: ChildrenOf, came: dict[str, str]) -> Iterator[str]:
    """Every message below another, one at a time; ``came`` says from where."""
    pending = [message]
    for node in pending:
        for child in children_of(node):
            if child != message and child not in came:
                came[child] = node
                pending.append(child)
                yield child


def _from_below(message: str, parent: str, came: dict[str, str]) -> tuple[str, ...]:
    path = [message, parent]
    while path[-1] != message:
        path.append(came[path[-1]])
    return tuple(path)
