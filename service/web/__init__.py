"""Pages and bodies: what HTTP needs beside the routes. Pages hold no script and work without the network."""
