"""The command `tintype`."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from tintype import ConfigurationError, Retries, Tintype, TintypeError
from tintype.cli._codes import Code, code_of
from tintype.cli._output import Output, explained
from tintype.cli._parser import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The status to end with; see `tintype --help`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a prompt in another script is no reason to fail
    output = Output(sys.stdout, sys.stderr)
    options = parser().parse_args(arguments)
    try:
        retries = Retries(attempts=options.retries + 1)
        timeout_s = options.request_timeout
        with Tintype(options.api_key, options.base_url, timeout_s=timeout_s, retries=retries) as shop:
            code: int = options.run(shop, options, output)
            sys.stdout.flush()
            return code
    except ConfigurationError as error:
        output.say(f"tintype: {error}")
        return Code.USAGE
    except TintypeError as error:
        output.say(explained(error))
        return code_of(error)
    except BrokenPipeError:  # as in `tintype list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Code.DONE
    except OSError as error:
        output.say(f"tintype: {error.filename or 'a file'}: {error.strerror or error}")
        return Code.FILE
    except KeyboardInterrupt:
        output.say("tintype: interrupted")
        return Code.INTERRUPTED
