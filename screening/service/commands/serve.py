"""`screening serve`: the API, the dashboard, the MLLP listener and the scheduler in one process."""

from argparse import ArgumentParser, Namespace
from contextlib import AsyncExitStack

from screening.refusals import Refused
from screening.service.app import Services, running
from screening.service.auth import DiscoveredKeys, Verifier, refuse_unsound_issuer
from screening.service.console import in_loop, print_note, until_told_to_stop
from screening.service.demo.issuer import DemoIssuer
from screening.service.demo.prepare import holds_demo
from screening.service.http_server import serving
from screening.service.jobs import scheduling
from screening.service.opening import Installation, opened
from screening.service.settings import settings_from_environment
from screening.storage.embedded import data_folder


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address the API listens on")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--mllp-host",
        default="127.0.0.1",
        help="the address MLLP listens on; it knows no senders, so keep others out",
    )
    parser.add_argument("--mllp-port", type=int, default=2575)
    parser.add_argument("--no-scheduler", action="store_true", help="leave the jobs to `screening worker`")


def run(asked: Namespace) -> int:
    settings = settings_from_environment()
    if settings.oidc_issuer is not None:
        refuse_unsound_issuer(settings.oidc_issuer)
    elif settings.database_url is None and not holds_demo(data_folder()):
        raise _issuer_missing()
    return in_loop(_serve(asked))


def _issuer_missing() -> Refused:
    return Refused(
        "issuer_missing",
        "OIDC_ISSUER is not set: without an issuer nobody could be told from anybody; expected its https:// URL",
    )


async def _serve(asked: Namespace) -> int:
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(opened())
        services = _services(installation, asked)
        app = await stack.enter_async_context(running(services))
        url = await stack.enter_async_context(serving(app, host=asked.host, port=asked.port))
        if not asked.no_scheduler:
            await stack.enter_async_context(
                scheduling(installation.database, installation.settings, today=installation.clock.today)
            )
        print_note(
            f"serving {url}, dashboard {url}/dashboard, MLLP on {asked.mllp_host}, port {app.state.mllp_port}"
        )
        await until_told_to_stop()
    return 0


def _services(installation: Installation, asked: Namespace) -> Services:
    """A demo's database is served with the demo's own issuer; any other needs one."""
    settings = installation.settings
    issuer = settings.oidc_issuer
    demo: DemoIssuer | None = None
    if issuer is not None:
        verifier = Verifier(DiscoveredKeys(issuer), issuer=issuer, audience=settings.audience)
    elif installation.is_demo:
        demo = DemoIssuer()
        verifier = demo.verifier()
        demo.print_tokens()
    else:
        raise _issuer_missing()
    return Services(
        database=installation.database, clock=installation.clock, verifier=verifier,
        accept_synthetic=installation.accept_synthetic, mllp_host=asked.mllp_host, mllp_port=asked.mllp_port,
        processing=settings.processing, demo=demo.token if demo else None,
        figures_at_most=settings.figures_at_most, figures=settings.figures,
        shelf=installation.shelf, vouch=installation.vouch,
    )  # fmt: skip
