//! Model and tools in turn until there is an answer, within a budget.
