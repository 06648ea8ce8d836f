use super::*;

#[test]
fn as_many_requests_are_said_beforehand_as_leave_in_a_quarter_of_a_second() {
    for (rate, requests) in [
        ("1500/h", 1),
        ("7/s", 1),
        ("100/s", 25),
        ("1000/s", 250),
        ("10000/s", PAGE),
    ] {
        assert_eq!(window(rate.parse().unwrap()), requests, "{rate}");
    }
}
