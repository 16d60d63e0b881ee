// Imported before simple-git, for what it does: where the variable DEBUG asks for everything, simple-git would print the environment of each process
// that it starts, and that is where our credentials are. `debug` reads the variable once, as it is loaded.
if (process.env["DEBUG"] !== undefined) process.env["DEBUG"] += ",-simple-git*";
