"""A picture: `input` is the section, `decode` what its bytes become in a graph; a file each for the nodes' roles."""
