"""The dashboard of buoy, to be mounted in a web app: see what jobs do, and steer them."""

from .access import Authorize, Person, Role
from .card import Card, Column, Event
from .deploys import Deploy, adeploys, amark_deploy, deploys, mark_deploy
from .page import Action, Changed, InvalidForm, NotFound, Page, Visit
from .several import dashboard
from .wsgi import wsgi_dashboard

__version__ = "0.1.0"
__all__ = [
    "Action",
    "Authorize",
    "Card",
    "Changed",
    "Column",
    "Deploy",
    "Event",
    "InvalidForm",
    "NotFound",
    "Page",
    "Person",
    "Role",
    "Visit",
    "adeploys",
    "amark_deploy",
    "dashboard",
    "deploys",
    "mark_deploy",
    "wsgi_dashboard",
]
