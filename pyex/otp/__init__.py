"""OTP: servers, supervisors and what is built of them, on the public core alone."""
