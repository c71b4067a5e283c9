"""What clients speak: KServe's V1 and V2 over REST and gRPC, who is let in, and what they may ask for."""
