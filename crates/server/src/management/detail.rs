//! One attribute that cannot be as it is, and why: a member of `details` (`pingone.md` §5.2).

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::Value;

/// PingOne's words for what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DetailCode {
    /// It must be given.
    RequiredValue,
    /// It must not be empty.
    EmptyValue,
    /// It is of the wrong type, form or set.
    InvalidValue,
    /// It is taken.
    UniquenessViolation,
    /// It is too small or too large a number.
    OutOfRange,
    /// It is too long, or there are too many.
    SizeLimitExceeded,
    /// It would break a rule that ties several objects.
    ConstraintViolation,
    /// A query parameter or header.
    InvalidParameter,
    /// The `filter` parameter.
    InvalidFilter,
    /// The bearer token.
    InvalidToken,
    /// The caller's roles.
    InsufficientPermissions,
    /// Something of ours.
    UnexpectedError,
}

/// What would have been right.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct InnerError {
    #[serde(skip_serializing_if = "Option::is_none")]
    range_minimum_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range_maximum_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_value: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_values: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supported_attributes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supported_operators: Vec<&'static str>,
}

/// One member of `details`. Its message never repeats what was sent: that may be a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    code: DetailCode,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner_error: Option<Box<InnerError>>,
}

impl Detail {
    /// `target` is the attribute, as a path.
    pub fn new(code: DetailCode, target: Option<&str>, message: impl Into<String>) -> Self {
        let target = target.map(str::to_owned);
        Self { code, message: message.into(), target, inner_error: None }
    }

    /// It must be given.
    pub fn required(target: &str) -> Self {
        Self::new(DetailCode::RequiredValue, Some(target), format!("{target} is required"))
    }

    /// It is of the wrong type, form or set.
    pub fn invalid(target: &str, message: impl Into<String>) -> Self {
        Self::new(DetailCode::InvalidValue, Some(target), message)
    }

    /// It must not be empty.
    pub fn empty(target: &str) -> Self {
        Self::new(DetailCode::EmptyValue, Some(target), format!("{target} must not be empty"))
    }

    /// It is taken.
    pub fn taken(target: &str) -> Self {
        let message = format!("{target} is used already and must be unique");
        Self::new(DetailCode::UniquenessViolation, Some(target), message)
    }

    /// It would break a rule that ties several objects.
    pub fn constraint(target: &str, message: impl Into<String>) -> Self {
        Self::new(DetailCode::ConstraintViolation, Some(target), message)
    }

    /// It is not among `allowed`.
    pub fn not_among(target: &str, allowed: Vec<Value>) -> Self {
        let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        let message = format!("{target} must be one of {}", names.join(", "));
        Self::invalid(target, message)
            .explained(InnerError { allowed_values: allowed, ..InnerError::default() })
    }

    /// It is not in `range`.
    pub fn out_of_range(target: &str, range: &RangeInclusive<u32>) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let message = format!("{target} must be from {low} to {high}");
        let inner = InnerError {
            range_minimum_value: Some(low),
            range_maximum_value: Some(high),
            ..InnerError::default()
        };
        Self::new(DetailCode::OutOfRange, Some(target), message).explained(inner)
    }

    /// It is too long, or there are too many.
    pub fn too_large(target: &str, most: usize) -> Self {
        let message = format!("{target} must not exceed {most}");
        let inner = InnerError { maximum_value: Some(most), ..InnerError::default() };
        Self::new(DetailCode::SizeLimitExceeded, Some(target), message).explained(inner)
    }

    /// A query parameter cannot be used.
    pub fn parameter(target: &str, message: impl Into<String>) -> Self {
        Self::new(DetailCode::InvalidParameter, Some(target), message)
    }

    /// A filter beyond what `attributes` and `operators` can express.
    pub fn filter(attributes: &[&'static str], operators: &[&'static str]) -> Self {
        let message = "The filter must be one comparison, as in username eq \"alice\"";
        let inner = InnerError {
            supported_attributes: attributes.to_vec(),
            supported_operators: operators.to_vec(),
            ..InnerError::default()
        };
        Self::new(DetailCode::InvalidFilter, Some("filter"), message).explained(inner)
    }

    /// Whether it is about `target`.
    pub fn is_about(&self, target: &str) -> bool {
        self.target.as_deref() == Some(target)
    }

    fn explained(mut self, inner: InnerError) -> Self {
        self.inner_error = Some(Box::new(inner));
        self
    }
}
