"""What a search for a topology found: every network that was tried, and the one chosen."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from axedge.artifacts.records.base import Part, Record

Objective = Literal["invocation", "latency"]
Rung = Literal["short", "full"]
Width = Literal["int8", "two-byte", "int16"]


class Shape(Part):
    """A network that may be tried.

    Attributes:
        approximator: hidden layer sizes of the head that answers.
        predictor: hidden layer sizes of the branch that gates it.
        approximator_activation: of the approximator's hidden layers.
        predictor_activation: of the predictor's.
        activations: width of the numbers between the layers.
        inputs: "two-byte": an int8 network takes each input as two codes.
    """

    approximator: tuple[int, ...]
    predictor: tuple[int, ...]
    approximator_activation: Literal["relu", "tanh"] = "relu"
    predictor_activation: Literal["relu", "tanh"] = "tanh"
    activations: Literal["int8", "int16"] = "int8"
    inputs: Literal["plain", "two-byte"] = "plain"

    @property
    def network(self) -> dict[str, Any]:
        """What kernel.toml's [network] says of it: all but the width."""
        return self.model_dump(exclude={"activations", "inputs"})

    @property
    def width(self) -> Width:
        """Of its numbers: 8 bits, 8 with two-byte inputs, or 16."""
        return "two-byte" if self.inputs == "two-byte" else self.activations

    def of_width(self, width: Width) -> Shape:
        """Return the same network in another width."""
        activations = "int16" if width == "int16" else "int8"
        inputs = "two-byte" if width == "two-byte" else "plain"
        return self.model_copy(update={"activations": activations, "inputs": inputs})


class Outcome(Part):
    """What a network came to.

    Attributes:
        refused: why it came to nothing, in words; the rest is null then.
        parameters: weights and biases.
        invocation: share of inputs on which it may be used under the guarantee, on samples that nothing was fitted to;
            the search chooses by it.
        fresh_invocation: the same on further samples, by which nothing was chosen either; null where not counted.
        fresh_precision: share of those used there that are safe; null where none is.
        flash_bytes: over the same firmware without a network.
        stack_bytes: worst case below the network's entry; null where the compiler tells no call graph.
        cost: mean of a gated call on the emulated board, fallbacks included; null without an emulator.
        unit: of the cost.
        cpu_seconds: that it took to find out.
        worker: machine and process that found out.
    """

    refused: str = ""
    parameters: int
    invocation: float | None = None
    fresh_invocation: float | None = None
    fresh_precision: float | None = None
    flash_bytes: int | None = None
    stack_bytes: int | None = None
    cost: float | None = None
    unit: str = ""
    cpu_seconds: float = 0.0
    worker: str = ""


class SearchTrial(Part):
    """One network that was tried.

    Attributes:
        rung: "short": trained for a moment, to be compared; "full": as `axedge run` trains, times the effort.
        shape: the network.
        outcome: what it came to.
        fits: whether it keeps the budgets.
    """

    rung: Rung
    shape: Shape
    outcome: Outcome
    fits: bool


class SearchRecord(Record):
    """search.json.

    Attributes:
        kernel: what is approximated.
        board: where flash, stack and cost were measured.
        objective: "invocation": the largest; "latency": the smallest mean cost of a gated call.
        guarantee: precision that every network promises.
        confidence: with which.
        effort: factor on the steps of the full rung.
        flash_budget_bytes: of the network; `budget_is` says where it is from.
        budget_is: "given", or "own": what the network of kernel.toml takes.
        stack_budget_bytes: of the network; null: none.
        trials: all of them, in the order in which they ended; the short ones first.
        own: index of the full trial of kernel.toml's network; null where it came to nothing.
        chosen: index of the best full trial within the budgets; null where none is.
        front: indices of the short trials that no other beats in both objective and flash.
        cpu_seconds: of all trials.
    """

    VERB: ClassVar[str] = "search"
    FILE: ClassVar[str] = "search.json"

    kernel: str
    board: str
    objective: Objective
    guarantee: float
    confidence: float
    effort: float
    flash_budget_bytes: int
    budget_is: Literal["given", "own"]
    stack_budget_bytes: int | None
    trials: tuple[SearchTrial, ...]
    own: int | None
    chosen: int | None
    front: tuple[int, ...]
    cpu_seconds: float

    @property
    def produced(self) -> tuple[str, ...]:
        """The plot."""
        return ("pareto.png",)
