//! The pages on which a person answers in a browser: `/{envID}/inbox/…`.

pub mod session;
