"""k6's own web dashboard of a load generator that runs, shown through the product.

    /runs/7/k6-dashboard/0/                 login and access to the run; gives a ticket
    /runs/7/k6-dashboard/0/TICKET/ui/…      the page and its files
    /runs/7/k6-dashboard/0/TICKET/report    its report so far
    /runs/7/k6-dashboard/0/TICKET/events    its numbers, a stream

The page is k6's and lives in a sandbox (`metricvault.lib.foreign`), so that the browser sends no cookie along with what
it asks for. The ticket stands for the login: good for one generator of one run and one person, while that person may
see the run and it sends load. `Tickets` takes care that nothing else of the caller comes in beside it.
"""

from loadtests.dashboards.tickets import STREAM, Tickets

__all__ = ["STREAM", "Tickets"]
