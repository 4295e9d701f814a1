"""What is tried again, and what is not: storage has bad moments, a wrong profile stays wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import Backoff, Failure, Jitter, RetryPolicy
from dataframely.exc import SchemaError, ValidationError

from lake.errors import LakeError, SillageError
from lake.patience import explained

#: Of an op as a whole, where the patience of its steps (``lake.patience``) has come to an end: three further attempts
#: after about 5, 10 and 20 seconds.
STORAGE_RETRIES = RetryPolicy(max_retries=3, delay=5, backoff=Backoff.EXPONENTIAL, jitter=Jitter.PLUS_MINUS)


@contextmanager
def no_retry_of_mistakes() -> Iterator[None]:
    """Turn an error that another attempt cannot mend into a failure that is not retried.

    Errors of the lake (another writer was quicker, storage out of reach) and anything unforeseen pass, and are retried.
    """
    try:
        yield
    except LakeError:
        raise
    except OSError as error:
        # Rust's clients raise these, too: a page of them says less than a line.
        raise explained(error) or error from error
    except (ValidationError, SchemaError) as error:
        raise Failure(
            "Rows that were computed break the contract of their table",
            metadata={"found": str(error)},
            allow_retries=False,
        ) from error
    except SillageError as error:
        details = {"found": error.found, "expected": error.expected, "do": error.action}
        raise Failure(
            error.title, metadata={name: text for name, text in details.items() if text}, allow_retries=False
        ) from error
