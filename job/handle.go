package job

import "context"

// A Handle is of one job, whose task returns an Out. It is made by [Enqueue].
type Handle[Out any] struct {
	client   *Client
	id       ID
	existing bool
}

// ID returns which job it is.
func (h *Handle[Out]) ID() ID { return h.id }

// Existing reports whether the job was there already when it was to be enqueued:
// a live one with the same key.
func (h *Handle[Out]) Existing() bool { return h.existing }

// Status is [Client.Status] of the job.
func (h *Handle[Out]) Status(ctx context.Context) (Status, error) {
	return h.client.Status(ctx, h.id)
}

// Cancel is [Client.Cancel] of the job.
func (h *Handle[Out]) Cancel(ctx context.Context) (State, error) {
	return h.client.Cancel(ctx, h.id)
}
