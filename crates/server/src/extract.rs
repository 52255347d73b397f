//! Bodies and headers, bounded before they are looked at.

pub mod body;
pub mod credentials;
