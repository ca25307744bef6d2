"""People's votes: which picture of a pair somebody liked better who did not know which was which.

`votes` counts those of the page's blind test, which stand beside each run; `votes:FILE_OR_FOLDER` those of ballots, as
the page of a class hands them out. A ballot names pictures by their pixels, so it does not matter whose copies were
voted on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compare.homework.classroom import ClassError, SeedPair, one_each, read_votes
from compare.runs import Run, read_marks
from compare.study.judges.protocol import Judged, JudgeError
from generate.picture import Arm

Ballots = Counter[Arm | None]


@dataclass
class Votes:
    """Counts votes under the name of a judge; `ballots` is the file or folder with them, "" for the blind test's."""

    name: str
    ballots: str = ""
    _pairs: dict[str, list[tuple[str, SeedPair]]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _cast: dict[str, dict[int, Ballots]] = field(default_factory=dict, repr=False)

    def see(self, unit: str, run: Run) -> None:
        """Takes note of a run that people may have voted on."""
        cast: dict[int, Ballots] = defaultdict(Counter)
        if not self.ballots:
            for vote in read_marks(run.folder).votes:
                cast[vote.seed][vote.choice] += 1
        else:
            for seed in run.record.seeds:
                simple, expanded = run.record.pair(seed)
                width, height = run.image("simple", seed).size
                names = (simple.pixels_sha256[:16], expanded.pixels_sha256[:16])
                pair = SeedPair(seed=seed, simple=names[0], expanded=names[1], width=width, height=height)
                self._pairs[pair.id].append((unit, pair))
        self._cast[unit] = cast

    def count(self) -> Mapping[str, Judged]:
        """Of each unit and seed that was voted on, the share of votes for either picture; a tie is half a vote for
        both. Raises `ClassError` for a ballot that cannot be counted."""
        if self.ballots:
            self._open_ballots()
        return {
            unit: {seed: {"preferred": _shares(votes)} for seed, votes in cast.items() if votes.total()}
            for unit, cast in self._cast.items()
        }

    def _open_ballots(self) -> None:
        pictures = {name: (pairs[0][1].simple, pairs[0][1].expanded) for name, pairs in self._pairs.items()}
        found = []
        for file in self._files():
            for vote in read_votes(file, pictures):
                if isinstance(vote, ClassError):
                    raise vote
                found.append(vote)
        for vote in one_each(found)[0]:
            for answer in vote.answers:
                for unit, pair in self._pairs[answer.pair]:
                    other = pair.expanded if answer.left == pair.simple else pair.simple
                    chosen = {"left": answer.left, "right": other, "tie": ""}[answer.choice]
                    arms: dict[str, Arm | None] = {pair.simple: "simple", pair.expanded: "expanded"}
                    self._cast[unit][pair.seed][arms.get(chosen)] += 1

    def _files(self) -> Iterable[Path]:
        place = Path(self.ballots).expanduser()
        try:
            files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
        except NotADirectoryError:
            return (place,)
        except OSError as error:
            raise JudgeError(
                "there are no ballots in {place}: {reason}",
                hint="name the file or folder of the ballots that people handed in",
                place=self.ballots,
                reason=error.strerror,
            ) from error
        return files


def _shares(votes: Ballots) -> tuple[float, float]:
    """The simple picture's and the expanded one's.

    >>> _shares(Counter({"simple": 1, "expanded": 2, None: 1}))
    (0.375, 0.625)
    """
    half = votes[None] / 2
    return (votes["simple"] + half) / votes.total(), (votes["expanded"] + half) / votes.total()
