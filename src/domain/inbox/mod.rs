//! The inbox: everything that waits for somebody's decision, access requests and token requests together.
//!
//! It has no rules of its own: what is decided here is judged and done by the reviews of both,
//! [`approval::review`](super::approval::review) and [`token_request::review`](super::token_request::review).

pub mod submit;
