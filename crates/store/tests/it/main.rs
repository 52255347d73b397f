//! The contract of a store, held against every backend; and what is special to the embedded one.

mod contract;
mod embedded;
mod records;
