"""What a run on this machine does and shows: data, lock, nodes one after another, summary, report."""
