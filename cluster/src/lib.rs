//! What breaks under several nodes, and what must hold all the same: a real PostgreSQL server,
//! nodes, a load balancer and faults, for tests.

pub mod database;
