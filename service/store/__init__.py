"""What must last: SQLAlchemy Core on SQLite, or on PostgreSQL where several replicas share it.

In: `CDS_DATABASE_URL`. Out: a Store whose tables are those of the newest migration. Patients are pseudonyms here.

    StoreDown      the database does not answer in time, refuses, or is full
    Refused        the same, for what was to be written alone: another time it would be no better
    NewerTables    its tables are of a newer version of the service
"""

from service.store.database import Store, open_store
from service.store.engine import Refused, StoreDown
from service.store.keys import Pseudonyms, read_keys
from service.store.migrating import NewerTables
from service.store.sealing import Sealing

__all__ = ["NewerTables", "Pseudonyms", "Refused", "Sealing", "Store", "StoreDown", "open_store", "read_keys"]
