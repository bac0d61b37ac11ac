//! Remove secrets from text before it leaves.
