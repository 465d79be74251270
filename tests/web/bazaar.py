"""A small marketplace to look at: providers in Lisbon with services of many kinds, plans, ratings, and an index."""

from __future__ import annotations

import csv
from io import StringIO

from ecosystem.contexts.booking import SetPlan, Week, Window
from ecosystem.contexts.catalogue import (
    DraftService,
    Location,
    Mode,
    ProviderFields,
    RegisterProvider,
    ServiceFields,
)
from ecosystem.contexts.catalogue.keys import rating_key
from ecosystem.contexts.search import Indexer
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.ports.table import Counter, Put
from market import Market

HOURS = (Window("09:00", "13:00"), Window("14:00", "18:30"))
WEEK = Week(
    monday=HOURS,
    tuesday=HOURS,
    wednesday=HOURS,
    thursday=HOURS,
    friday=(),
    saturday=(Window("10:00", "14:00"),),
    sunday=(),
)

# name | place | lat | lon | languages | rating | ratings | service | category | price | minutes | mode | instant
ROWS = """
Teresa Sousa|Avenidas Novas, Lisbon|38.737|-9.149|en pt hi|462|232|Event coverage, same-night preview|event-photography|5500|60|at_customer|1
Teresa Sousa|Avenidas Novas, Lisbon|38.737|-9.149|en pt hi|462|232|Warm documentary portraits|portrait-photography|8250|90|at_customer|1
Mateus Haddad|Arroios, Lisbon|38.733|-9.136|pt ar fr|438|39|Portuguese for newcomers|language-lessons|3200|60|at_provider|0
Mei Nunes|Chiado, Lisbon|38.711|-9.142|pt en zh|441|215|Python and data, one to one|programming-tutoring|5500|60|remote|1
Mei Nunes|Chiado, Lisbon|38.711|-9.142|pt en zh|441|215|Spreadsheets that stay alive|data-analysis|4500|60|remote|1
Marta Leal|Alvalade, Lisbon|38.753|-9.144|pt es|468|337|Balcony makeover|landscaping|9000|180|at_customer|1
João Prata|Graça, Lisbon|38.716|-9.130|pt|474|19|A haircut that grows out well|hair-styling|2800|45|at_provider|1
João Prata|Graça, Lisbon|38.716|-9.130|pt|474|19|Beard trim and hot towel|barber|1500|30|at_provider|1
Rui Tavares|Benfica, Lisbon|38.750|-9.200|pt en|0|0|Boiler check and service|hvac|7500|60|at_customer|1
Rui Tavares|Benfica, Lisbon|38.750|-9.200|pt en|0|0|Leaking tap or pipe|plumbing|4500|60|at_customer|0
Inês Carvalho|Estrela, Lisbon|38.714|-9.160|pt en fr|491|88|Vinyasa in the park|yoga|1200|60|at_provider|1
Inês Carvalho|Estrela, Lisbon|38.714|-9.160|pt en fr|491|88|Back and neck massage|massage|5200|50|at_provider|1
Duarte Melo|Campo de Ourique, Lisbon|38.718|-9.166|pt en|455|61|Deep clean of a flat|deep-cleaning|6800|180|at_customer|1
Duarte Melo|Campo de Ourique, Lisbon|38.718|-9.166|pt en|455|61|Weekly house cleaning|house-cleaning|3400|120|at_customer|1
Priya Sharma|Parque das Nações, Lisbon|38.768|-9.094|en hi pt|483|140|Mathematics, calm and clear|math-tutoring|3600|60|remote|1
Olga Reis|Lapa, Lisbon|38.710|-9.166|pt en de|420|12|Long walk for your dog|dog-walking|1400|60|at_customer|1
"""


async def furnished(market: Market) -> dict[str, str]:
    """Fill the marketplace; the addresses of some of it by a short name."""
    owners: dict[str, tuple[str, Actor]] = {}
    for row in csv.reader(StringIO(ROWS.strip()), delimiter="|"):
        name, place, lat, lon, languages, rating, ratings, title, category, price, minutes, mode, instant = row
        if name not in owners:
            owner = Actor(actor_id=market.id("usr"), groups=(Group.PROVIDERS,))
            fields = ProviderFields(
                name=name,
                headline=f"{title}, and more",
                biography="I work in small steps and say what I am doing, so nothing on the bill is a surprise.\n\nI bring my own tools and clean up after.",
                location=Location(lat=float(lat), lon=float(lon), place=place, zone="Europe/Lisbon"),
                radius_km=20,
                languages=tuple(languages.split()),
            )
            registered = await market.app.providers.register(
                RegisterProvider(provider_id=market.id("prv"), fields=fields), owner
            )
            provider_id = registered.value.provider_id
            await market.app.standings.submit(provider_id, owner)
            await market.app.plans.set(
                SetPlan(provider_id=provider_id, zone="Europe/Lisbon", week=WEEK), owner_id=owner.actor_id, actor=owner
            )
            if int(ratings):
                counters = {"sum": round(int(rating) * int(ratings) / 100), "count": int(ratings)}
                await market.app.ports.table.transact(
                    Put(key=rating_key(provider_id), value=Counter(), counters=counters)
                )
            owners[name] = (provider_id, owner)
        provider_id, owner = owners[name]
        wanted = ServiceFields(
            title=title,
            description="I work in small steps and tell you what I am doing. I bring my own tools, clean up after, and leave a short note with what was done and what to watch for.\n\nIf the job turns out bigger than described, I stop and ask before going on.",
            category=category,
            price=Money(int(price), "EUR"),
            duration_min=int(minutes),
            mode=Mode(mode),
            instant=instant == "1",
            capacity=8 if category == "yoga" else 1,
            notice_min=120,
        )
        drafted = await market.app.services.draft(
            DraftService(service_id=market.id("svc"), provider_id=provider_id, fields=wanted), owner
        )
        await market.app.publishing.publish(drafted.value.service_id, owner)
    await indexed(market)
    return {name: provider_id for name, (provider_id, _) in owners.items()}


async def indexed(market: Market) -> None:
    """Let the index catch up with what was changed."""
    ports = market.app.ports
    await Indexer(ports.table, ports.search, market.app.shelf, market.clock).rebuild()
