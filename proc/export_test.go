package proc

// Backoff is the pause after so many failed starts in a row.
var Backoff = backoff
