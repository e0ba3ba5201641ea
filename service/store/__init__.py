"""What must last: SQLAlchemy Core on SQLite, or on PostgreSQL where several replicas share it.

    StoreDown    the database does not answer in time, refuses, or is full
"""

from service.store.database import Store, StoreDown, open_store

__all__ = ["Store", "StoreDown", "open_store"]
