"""What each command does. Each takes the shop, the options and the output, and returns the exit status."""

from __future__ import annotations

import itertools
import shlex
import uuid
from argparse import Namespace
from pathlib import Path

from tintype import ConnectionFailed, DownloadFailed, ServerError, Tintype, TintypeError
from tintype.cli._codes import Code, code_of
from tintype.cli._files import format_of, require_room, targets
from tintype.cli._output import Output, explained
from tintype.cli._progress import Progress
from tintype.results import Generation


def generate(shop: Tintype, options: Namespace, output: Output) -> int:
    path: Path | None = options.output
    if path is not None:
        require_room(path)
    once = options.idempotency_key or str(uuid.uuid4())
    again = f"  to try again without paying twice, add: --idempotency-key {shlex.quote(once)}"
    try:
        generation = shop.generations.create(
            options.prompt,
            aspect_ratio=options.ratio,
            size=options.size,
            seed=options.seed,
            output_format=options.format or format_of(path),
            model=options.model,
            n=options.n,
            metadata=dict(options.metadata) if options.metadata else None,
            idempotency_key=once,
        )
    except KeyboardInterrupt:
        output.say(
            f"tintype: interrupted before the shop answered; `tintype list` shows what it accepted\n{again}"
        )
        return Code.INTERRUPTED
    except (ConnectionFailed, ServerError) as error:
        may_be_there = not isinstance(error, ConnectionFailed) or error.was_sent
        output.say(explained(error) + (f"\n{again}" if may_be_there else ""))
        return code_of(error)
    if options.no_wait:
        if options.json:
            output.json(generation.raw)
        else:
            output.print(generation.id)
        return Code.DONE
    return _finish(shop, generation, options, output)


def status(shop: Tintype, options: Namespace, output: Output) -> int:
    if options.output is not None:
        require_room(options.output)
    generation = shop.generations.get(options.id)
    if options.output is not None or options.wait:
        return _finish(shop, generation, options, output)
    _show(generation, options, output)
    return Code.DONE


def _finish(shop: Tintype, generation: Generation, options: Namespace, output: Output) -> int:
    """Waits, saves, and says what became of it. Left alone, it goes on in the shop."""
    try:
        generation = _ended(shop, generation, options, output)
        saved = _saved(shop, generation, options.output)
    except KeyboardInterrupt:
        fetch = f" -o {shlex.quote(str(options.output))}" if options.output else ""
        output.say(
            f"tintype: interrupted; {generation.id} goes on\n"
            f"  see it:  tintype status --wait{fetch} {generation.id}\n"
            f"  stop it: tintype cancel {generation.id}"
        )
        return Code.INTERRUPTED
    except TintypeError as error:
        error.task_id = generation.id
        raise
    if generation.status != "succeeded":
        output.say(f"tintype: {_why(generation)}")
    elif not generation.images:
        output.say(f"tintype: the images of {generation.id} have been deleted")
        return Code.FILE
    if options.json:
        output.json(generation.raw)
    else:
        for place in saved or [image.url for image in generation.images]:
            output.print(place)
    return Code.DONE if generation.status == "succeeded" else Code.FAILED


def _ended(shop: Tintype, generation: Generation, options: Namespace, output: Output) -> Generation:
    if generation.has_ended:
        return generation
    progress = Progress(output.err)
    try:
        progress(generation)
        return shop.generations.wait(generation.id, timeout_s=options.timeout, on_progress=progress)
    finally:
        progress.end()


def _saved(shop: Tintype, generation: Generation, output: Path | None) -> list[str]:
    """Where they lie."""
    try:
        return [
            str(shop.save(image, path)) for image, path in (targets(output, generation) if output else ())
        ]
    except OSError as error:
        raise DownloadFailed(f"{error.filename or output}: {error.strerror or error}") from error


def cancel(shop: Tintype, options: Namespace, output: Output) -> int:
    _show(shop.generations.cancel(options.id), options, output)
    return Code.DONE


def list_generations(shop: Tintype, options: Namespace, output: Output) -> int:
    tasks = shop.generations.list(
        status=options.status, model=options.model, page_size=min(100, options.limit)
    )
    found = list(itertools.islice(tasks, options.limit))
    if options.json:
        output.json([task.raw for task in found])
        return Code.DONE
    output.table(
        ("ID", "STATUS", "DONE", "CREDITS", "CREATED", "PROMPT"),
        [
            (
                task.id,
                task.status,
                f"{task.progress} %",
                task.consumed_credits,
                task.created_at and f"{task.created_at:%Y-%m-%d %H:%M:%S}",
                task.prompt,
            )
            for task in found
        ],
    )
    return Code.DONE


def receipt(shop: Tintype, options: Namespace, output: Output) -> int:
    found = shop.generations.receipt(options.id)
    if options.json:
        output.json(found.raw)
        return Code.DONE
    settled = found.settlement
    output.facts(
        [
            ("task", found.task),
            ("held", found.hold and found.hold.credits),
            *(
                (f"attempt {one.number}", f"{one.outcome or 'under way'}{_in(one.seconds)}")
                for one in found.attempts
            ),
            ("settled", settled.kind if settled else "not yet" if found.hold else "nothing: it is free"),
            ("consumed", settled and settled.consumed),
            ("returned", settled and settled.returned),
            ("available before", found.available_before),
            ("available after", found.available_after),
        ]
    )
    return Code.DONE


def balance(shop: Tintype, options: Namespace, output: Output) -> int:
    found = shop.balance()
    if options.json:
        output.json(found.raw)
    else:
        output.facts(
            [
                ("available", found.available),
                ("held", found.held),
                ("owed", found.owed),
                ("images", found.images),
            ]
        )
    return Code.DONE


def models(shop: Tintype, options: Namespace, output: Output) -> int:
    found = list(shop.models())
    if options.json:
        output.json([model.raw for model in found])
    else:
        output.table(
            ("MODEL", "CREDITS", "AT ONCE", "SIZES"),
            [(model.id, model.price_credits, model.max_n, " ".join(model.sizes)) for model in found],
        )
    return Code.DONE


def usage(shop: Tintype, options: Namespace, output: Output) -> int:
    groups = [word.strip() for word in options.group_by.split(",") if word.strip()]
    found = list(shop.usage(group_by=groups, start=options.start, end=options.end))
    if options.json:
        output.json([line.raw for line in found])
    else:
        output.table(
            ("START", "KEY", "MODEL", "SUCCEEDED", "FAILED", "CREDITS", "P50", "P95"),
            [
                (
                    line.start,
                    line.key,
                    line.model,
                    line.succeeded,
                    line.failed,
                    line.credits,
                    line.p50_seconds,
                    line.p95_seconds,
                )
                for line in found
            ],
        )
    return Code.DONE


def _show(generation: Generation, options: Namespace, output: Output) -> None:
    if options.json:
        output.json(generation.raw)
        return
    output.facts(
        [
            ("id", generation.id),
            ("status", f"{generation.status}, {generation.progress} %"),
            ("model", generation.model or None),
            ("prompt", generation.prompt),
            ("seed", generation.seed),
            ("credits", generation.consumed_credits if generation.has_ended else generation.price_credits),
            ("error", _why(generation) if generation.error else None),
            *(("image", image.url) for image in generation.images),
        ]
    )


def _why(generation: Generation) -> str:
    problem = generation.error
    words = f": {problem.message or problem.type}" if problem else ""
    return f"{generation.id} {'was canceled' if generation.status == 'canceled' else 'failed'}{words}"


def _in(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds:g} s"
