//! From the SDK's plain values to the core's, for all services.

use cell_eval::provider::{Answer, CloudError, Failure};

/// A field that the service always answers with.
pub(crate) fn need<T>(call: &str, field: &str, value: Option<T>) -> Answer<T> {
    value.ok_or_else(|| CloudError::own(call, Failure::Lost, format!("the answer lacks `{field}`")))
}

/// What is asked for may not exist, and that is an answer.
pub(crate) fn found<T>(answer: Answer<T>) -> Answer<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.failure == Failure::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A failure that says that there is nothing left to do.
pub(crate) fn done<T>(answer: Answer<T>, already: Failure) -> Answer<()> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.failure == already => Ok(()),
        Err(error) => Err(error),
    }
}

/// A moment.
pub(crate) fn timestamp(time: &aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_parts_of_a_second() {
        let time = aws_smithy_types::DateTime::from_millis(1_700_000_000_250);
        assert_eq!(timestamp(&time).map(jiff::Timestamp::as_millisecond), Some(1_700_000_000_250));
    }
}
