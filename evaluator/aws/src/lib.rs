//! The cloud of cell-eval, on the AWS SDK.
