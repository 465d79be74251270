"""The catalogue: who offers services, what they offer, and how it is sorted."""

from ecosystem.contexts.catalogue.badges import Badges
from ecosystem.contexts.catalogue.categories import Categories, Category, CategoryUnknown, categories
from ecosystem.contexts.catalogue.fields import FieldsRefused, Findings, Problem, excerpt
from ecosystem.contexts.catalogue.intake import (
    Imported,
    ImportedMeanwhile,
    Intake,
    Outcome,
    TakenProvider,
    TakenService,
    TakeProvider,
    TakeService,
    keyed,
)
from ecosystem.contexts.catalogue.languages import LANGUAGES
from ecosystem.contexts.catalogue.media import (
    Media,
    MediaId,
    MediaLibrary,
    MediaUnknown,
    Size,
    TooManyPictures,
)
from ecosystem.contexts.catalogue.places import Location
from ecosystem.contexts.catalogue.profile import NotReady, ProviderFields
from ecosystem.contexts.catalogue.providers import (
    EditedMeanwhile,
    Found,
    NotClaimable,
    Provider,
    ProviderBarred,
    ProviderId,
    Providers,
    ProviderStatus,
    ProviderUnknown,
    Rating,
    RegisterProvider,
)
from ecosystem.contexts.catalogue.publishing import Publishing
from ecosystem.contexts.catalogue.readiness import provider_lacks, service_lacks
from ecosystem.contexts.catalogue.services import (
    SERVICES_MAX,
    DraftService,
    NotOffered,
    Offered,
    Service,
    ServiceFound,
    ServiceId,
    Services,
    ServiceStatus,
    ServiceUnknown,
    TooManyServices,
)
from ecosystem.contexts.catalogue.shelf import Shelf
from ecosystem.contexts.catalogue.slugs import SlugTaken, SlugUnknown, slug_of
from ecosystem.contexts.catalogue.standing import NotInThatState, Standings
from ecosystem.contexts.catalogue.terms import Mode, ServiceFields, parsed_mode, parsed_price

__all__ = [
    "LANGUAGES",
    "SERVICES_MAX",
    "Badges",
    "Categories",
    "Category",
    "CategoryUnknown",
    "DraftService",
    "EditedMeanwhile",
    "FieldsRefused",
    "Findings",
    "Found",
    "Imported",
    "ImportedMeanwhile",
    "Intake",
    "Location",
    "Media",
    "MediaId",
    "MediaLibrary",
    "MediaUnknown",
    "Mode",
    "NotClaimable",
    "NotInThatState",
    "NotOffered",
    "NotReady",
    "Offered",
    "Outcome",
    "Problem",
    "Provider",
    "ProviderBarred",
    "ProviderFields",
    "ProviderId",
    "ProviderStatus",
    "ProviderUnknown",
    "Providers",
    "Publishing",
    "Rating",
    "RegisterProvider",
    "Service",
    "ServiceFields",
    "ServiceFound",
    "ServiceId",
    "ServiceStatus",
    "ServiceUnknown",
    "Services",
    "Shelf",
    "Size",
    "SlugTaken",
    "SlugUnknown",
    "Standings",
    "TakeProvider",
    "TakeService",
    "TakenProvider",
    "TakenService",
    "TooManyPictures",
    "TooManyServices",
    "categories",
    "excerpt",
    "keyed",
    "parsed_mode",
    "parsed_price",
    "provider_lacks",
    "service_lacks",
    "slug_of",
]
