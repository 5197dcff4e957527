//! The floor under `cellc expand`: builds the records of the measured organization as plain structs and writes the
//! same bytes with `serde_json`. It reads no program and checks nothing; what it knows is written into it.

mod entities;
mod records;
mod resources;

use std::io::{self, BufWriter, Write};

use serde::Serialize;

fn main() -> io::Result<()> {
    let cells = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(cells) = cells else { return Err(io::Error::other("how many cells?")) };
    let organization = records::Organization::new(cells);
    let entities = entities::all(&organization);
    let resources = resources::all(&organization);

    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    out.write_all(b"{\n\"format_version\": \"1.0\",\n\"source\": \"main.cell\",\n\"entities\": [\n")?;
    write(&mut out, &entities)?;
    out.write_all(b"\n],\n\"resources\": [\n")?;
    write(&mut out, &resources)?;
    out.write_all(b"\n]\n}\n")?;
    out.flush()
}

fn write<T: Serialize>(out: &mut impl Write, records: &[T]) -> io::Result<()> {
    for (at, record) in records.iter().enumerate() {
        if at > 0 {
            out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut *out, record)?;
    }
    Ok(())
}
