"""The screen of a pack's browser: a tree, what is known of a row, and what can be done about it.

The only module that imports Textual, which is an optional extra.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Label, OptionList, Static, Tree
from textual.widgets.option_list import Option
from textual.widgets.tree import TreeNode

from evidentia.cli.plain import shown
from evidentia.errors import EvidentiaError
from evidentia.pack.browsing import BrowseChoice, BrowseNode, Browser

ROWS_AT_A_TIME: Final = 500
"""A thread may have a hundred thousand messages; a row for each takes seconds."""
UNDO_REASON: Final = "taken back in the browser"
_MARK: Final = "bold yellow"

Row = BrowseNode | int
"""A node, or the number of the first row that is not shown yet."""


class ReasonScreen(ModalScreen[str | None]):
    """Asks why, before anything is appended."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    ReasonScreen { align: center middle; }
    ReasonScreen > Vertical { width: 90%; height: auto; border: round $accent; padding: 0 1; }
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__()
        self._what = what
        self._reason = reason

    def compose(self) -> ComposeResult:
        """A line that says what is done, and one for the reason."""
        with Vertical():
            yield Label(Text(self._what), id="what")
            yield Label("Why? Enter appends to the ledger, Escape does not.")
            yield Input(value=self._reason, id="reason")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The reason is given; an empty one is none."""
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss(None)


class BrowseApp(App[Sequence[str]]):
    """The browser. Ends with what was done, as lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next_marked", "Next marked"),
        Binding("u", "undo", "Undo"),
        Binding("q", "leave", "Quit"),
    ]
    CSS = """
    #summary { height: 1; background: $panel; }
    Tree { height: 1fr; }
    #details { height: auto; max-height: 6; border-top: solid $accent; }
    #choices { height: auto; max-height: 7; border: none; border-top: solid $accent; }
    #said { height: 1; color: $success; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, browser: Browser, title: str) -> None:
        super().__init__()
        self._browser = browser
        self._title = title
        self._done: list[str] = []
        self._choices: Sequence[BrowseChoice] = ()
        self._shown_rows: dict[str, TreeNode[Row]] = {}

    def compose(self) -> ComposeResult:
        """From top to bottom: a summary, the tree, details, choices, what was done, the keys."""
        yield Static(id="summary")
        yield Tree(Text(shown(self._title)), id="tree")
        yield Static(id="details")
        yield OptionList(id="choices")
        yield Static(id="said")
        yield Footer()

    def on_mount(self) -> None:
        """Show what there is."""
        self.query_one("#choices").border_title = "Tab, then Enter on one of these"
        self._refill()
        self._tree.focus()

    @property
    def _tree(self) -> Tree[Row]:
        found: Tree[Row] = self.query_one("#tree", Tree)
        return found

    @property
    def selected(self) -> BrowseNode | None:
        """The node under the cursor."""
        node = self._tree.cursor_node
        return node.data if node is not None and isinstance(node.data, BrowseNode) else None

    def _refill(self) -> None:
        """Draw everything anew, with the cursor on the row where it was, if that is still there."""
        before = self.selected
        tree = self._tree
        tree.clear()
        self._shown_rows.clear()
        tree.root.data = None
        self._fill(tree.root, 0)
        tree.root.expand()
        self.query_one("#summary", Static).update(Text(shown(self._browser.summary())))
        if before is not None and before.id in self._shown_rows:
            self.call_after_refresh(self._point_at, self._shown_rows[before.id])

    def _fill(self, above: TreeNode[Row], start: int) -> None:
        """Add rows below one, some at a time; those that are open at first with theirs."""
        known = above.data.id if isinstance(above.data, BrowseNode) else None
        rows = self._browser.children(known)
        end = start + ROWS_AT_A_TIME
        for row in rows[start:end]:
            label = Text(shown(row.label), style=_MARK if row.is_marked else "")
            if row.has_children:
                node = above.add(label, data=row)
                if row.is_open:
                    self._fill(node, 0)
                    node.expand()
            else:
                node = above.add_leaf(label, data=row)
            self._shown_rows[row.id] = node
        if len(rows) > end:
            above.add_leaf(Text(f".. {len(rows) - end:,} more: Enter shows some", "dim"), data=end)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Row]) -> None:
        """Rows come when they are asked for."""
        if not event.node.children:
            self._fill(event.node, 0)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Row]) -> None:
        """Say what is known of the row under the cursor, and what can be done."""
        self._show(event.node.data if isinstance(event.node.data, BrowseNode) else None)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Row]) -> None:
        """Enter on the last row of a part shows the next part."""
        node, above = event.node, event.node.parent
        if isinstance(node.data, int) and above is not None:
            start = node.data
            node.remove()
            self._fill(above, start)

    def _show(self, node: BrowseNode | None) -> None:
        details = [] if node is None else self._browser.details(node.id)
        self.query_one("#details", Static).update(Text("\n".join(map(shown, details))))
        self._choices = () if node is None or not node.is_marked else self._choices_of(node)
        choices = self.query_one("#choices", OptionList)
        choices.clear_options()
        choices.add_options([Option(Text(shown(each.label))) for each in self._choices])
        choices.highlighted = 0 if self._choices else None

    def _choices_of(self, node: BrowseNode) -> Sequence[BrowseChoice]:
        return self._browser.choices(node.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A choice was made: ask why, then do it."""
        node = self.selected
        if node is None:
            return
        choice = self._choices[event.option_index]

        def decided(reason: str | None) -> None:
            if reason is not None:
                self._do(lambda: self._browser.apply(node.id, choice.id, reason))

        what = f"{shown(node.label)}\nhangs on {shown(choice.label)}"
        self.push_screen(ReasonScreen(what, choice.reason), decided)

    def action_undo(self) -> None:
        """Take back what was done last here."""
        self._do(lambda: self._browser.undo(UNDO_REASON))

    def _do(self, act: Callable[[], str]) -> None:
        try:
            said = act()
        except EvidentiaError as error:
            self._say(error.what, is_problem=True)
            return
        self._done.append(said)
        self._say(said)
        self._refill()
        self._tree.focus()

    def _say(self, text: str, *, is_problem: bool = False) -> None:
        self.query_one("#said", Static).update(Text(shown(text), "bold red" if is_problem else ""))

    def action_next_marked(self) -> None:
        """Go to the next marked row, from the last one to the first; open what hides it."""
        ways = self._browser.marked()
        if not ways:
            self._say("nothing is marked")
            return
        here = self.selected
        ends = [way[-1] for way in ways]
        at = ends.index(here.id) + 1 if here is not None and here.id in ends else 0
        self._open(ways[at % len(ways)])

    def _open(self, way: Sequence[str]) -> None:
        for each in way[:-1]:
            node = self._shown_rows.get(each)
            if node is None:
                return
            if not node.children:
                self._fill(node, 0)
            node.expand()
            self._reach(node, way)
        target = self._shown_rows.get(way[-1])
        if target is not None:
            # A row that has just come has no line yet.
            self.call_after_refresh(self._point_at, target)

    def _point_at(self, node: TreeNode[Row]) -> None:
        self._tree.move_cursor(node)
        self._tree.scroll_to_node(node)
        self._tree.focus()

    def _reach(self, above: TreeNode[Row], way: Sequence[str]) -> None:
        """Show further parts of a list until it has the row that is looked for."""
        following = way[way.index(above.data.id) + 1] if isinstance(above.data, BrowseNode) else ""
        while following not in self._shown_rows and above.children:
            last = above.children[-1]
            if not isinstance(last.data, int):
                return
            start = last.data
            last.remove()
            self._fill(above, start)

    def action_leave(self) -> None:
        """End, with what was done."""
        self.exit(self._done)
