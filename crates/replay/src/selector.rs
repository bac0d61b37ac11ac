//! Label and field selectors: parsed as the API server reads them, matched against JSON.

mod field;
mod label;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;
