//! Operators on plain values: exact, checked, never wrapping. Owns no place and no message.

use std::cmp::Ordering;

use cell_lang::hir::Op;
use cell_lang::value::Decimal;

use crate::value::Value;

/// Why an operator gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The result is no number of 64 bits.
    OutOfRange,
    /// Division by zero.
    ByZero,
    /// The checker let operands through that it should not have.
    Types,
}

type Result = std::result::Result<Value, Fault>;

/// As a program writes it.
pub(crate) fn sign(op: Op) -> &'static str {
    match op {
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::In => "in",
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
        Op::Div => "/",
    }
}

/// The order of two values of one ordered type.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Size(a), Value::Size(b)) => Some(a.cmp(b)),
        (Value::Percent(a), Value::Percent(b)) | (Value::Usd(a), Value::Usd(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Does the comparison hold for this order?
pub(crate) fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        _ => false,
    }
}

/// `-x`
pub(crate) fn negate(value: &Value) -> Result {
    let (unit, amount) = amount(value).ok_or(Fault::Types)?;
    amount.checked_neg().map(|amount| unit.value(amount)).ok_or(Fault::OutOfRange)
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    One,
    Ms,
    Percent,
    Usd,
    Byte,
}

impl Unit {
    fn value(self, amount: i64) -> Value {
        match self {
            Self::One => Value::Int(amount),
            Self::Ms => Value::Duration(amount),
            Self::Percent => Value::Percent(Decimal(amount)),
            Self::Usd => Value::Usd(Decimal(amount)),
            Self::Byte => Value::Size(amount),
        }
    }
}

fn amount(value: &Value) -> Option<(Unit, i64)> {
    Some(match value {
        Value::Int(amount) => (Unit::One, *amount),
        Value::Duration(amount) => (Unit::Ms, *amount),
        Value::Percent(amount) => (Unit::Percent, amount.0),
        Value::Usd(amount) => (Unit::Usd, amount.0),
        Value::Size(amount) => (Unit::Byte, *amount),
        _ => return None,
    })
}

/// `+ - * /`. Numbers of one unit add up; a number and a whole number multiply and divide. Division cuts towards
/// zero: at whole numbers, milliseconds, bytes and millionths.
pub(crate) fn arithmetic(op: Op, a: &Value, b: &Value) -> Result {
    let ((left, x), (right, y)) = amount(a).zip(amount(b)).ok_or(Fault::Types)?;
    let (x, y) = (i128::from(x), i128::from(y));
    let (unit, exact) = match op {
        Op::Add if left == right => (left, x + y),
        Op::Sub if left == right => (left, x - y),
        Op::Mul if right == Unit::One => (left, x * y),
        Op::Mul if left == Unit::One => (right, x * y),
        Op::Div if right == Unit::One && y == 0 => return Err(Fault::ByZero),
        Op::Div if right == Unit::One => (left, x / y),
        _ => return Err(Fault::Types),
    };
    i64::try_from(exact).map(|amount| unit.value(amount)).map_err(|_| Fault::OutOfRange)
}

/// The remainder that is not negative: `mod(-1, 7)` is 6.
pub(crate) fn modulo(a: i64, b: i64) -> Result {
    if b == 0 {
        return Err(Fault::ByZero);
    }
    // Only `i64::MIN mod -1` overflows on the way; it is 0.
    Ok(Value::Int(a.checked_rem_euclid(b).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_add_up_and_scale() {
        let usd = |amount| Value::Usd(Decimal(amount));
        assert_eq!(arithmetic(Op::Add, &usd(1_500_000), &usd(500_000)), Ok(usd(2_000_000)));
        assert_eq!(arithmetic(Op::Mul, &Value::Int(3), &Value::Duration(60_000)), Ok(Value::Duration(180_000)));
        assert_eq!(arithmetic(Op::Div, &usd(1_000_000), &Value::Int(3)), Ok(usd(333_333)));
        assert_eq!(arithmetic(Op::Div, &Value::Int(-7), &Value::Int(2)), Ok(Value::Int(-3)));
        assert_eq!(arithmetic(Op::Add, &usd(1), &Value::Int(1)), Err(Fault::Types));
        assert_eq!(arithmetic(Op::Div, &Value::Int(1), &Value::Int(0)), Err(Fault::ByZero));
        assert_eq!(arithmetic(Op::Div, &Value::Int(i64::MIN), &Value::Int(-1)), Err(Fault::OutOfRange));
        assert_eq!(modulo(-1, 7), Ok(Value::Int(6)));
        assert_eq!(modulo(i64::MIN, -1), Ok(Value::Int(0)));
    }

    proptest! {
        #[test]
        fn arithmetic_is_exact_or_refused(a: i64, b: i64) {
            let int = |op| arithmetic(op, &Value::Int(a), &Value::Int(b));
            let checked = |value: Option<i64>| value.map(Value::Int).ok_or(Fault::OutOfRange);
            prop_assert_eq!(int(Op::Add), checked(a.checked_add(b)));
            prop_assert_eq!(int(Op::Sub), checked(a.checked_sub(b)));
            prop_assert_eq!(int(Op::Mul), checked(a.checked_mul(b)));
            if b != 0 {
                prop_assert_eq!(int(Op::Div), checked(a.checked_div(b)));
            }
        }
    }
}
