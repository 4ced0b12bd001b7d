"""What `bench.writer` compares: the same sale, finalised by turnpike's writer and by the predecessor's design."""
