//! A strict emulator of the AWS APIs that cellc uses.
