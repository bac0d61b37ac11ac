//! Root cause without a model: collect evidence, judge it with rules, rank the causes.
