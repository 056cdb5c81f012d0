"""Stand-ins for upstreams: one process each, which really speaks a wire format and does what prompts say.

`python -m tests.upstreams.server FORMAT PORT`, or `with running("fal") as up` in a test. Words in a prompt steer it,
each as `up:word` or `up:word=value`; `up:at=` says which step a fault is for: `submit` (unless said), `poll`, `result`
(fal's own), `image` (the download).

| word | |
|---|---|
| `late=S` | the image needs S seconds |
| `hang` `drip` `endless` `drop` | never answers, a byte now and then, a body without end, closes the connection |
| `html` `empty` `notjson` | nonsense with status 200 |
| `401` `429` `500` … | this status, with the error's body in this format; `429=30` with Retry-After |
| `wrongtype=html` `wrongtype=svg` `wrongtype=text` `huge` | the image is none, or has 50,000 x 50,000 pixels |
| `unusable=N` | the first N images of an answer are none |
| `from=SEED:word` `from=SEED:word=value` | this word, for what is ordered with this seed or a later one |
| `inside=URL` `redirect=URL` | the image's address is URL, or redirects there |
| `foreign` | addresses to ask at are somebody else's |
| `echo` | errors say our credential back |
| `webhook=twice` `forged` `early` `none` | instead of one when the image is ready |

Each format has words of its own for its errors: see its module.
"""
