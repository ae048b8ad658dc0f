package wire

// Sentinels are the errors that keep their identity.
func Sentinels() []error { return sentinels[:] }
