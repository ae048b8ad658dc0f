package proc

import (
	"context"
	"log/slog"
	"strings"
)

// print passes on a line that the worker printed.
func (w *worker) print(stream string, line []byte, dropped int) {
	h := w.house
	ctx := context.Background()
	if !h.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := []slog.Attr{
		slog.String("pool", h.Name),
		slog.String("stream", stream),
		slog.String("line", strings.ToValidUTF8(string(line), "\uFFFD")),
	}
	w.mu.Lock()
	if w.child != nil {
		attrs = append(attrs, slog.Int("pid", w.child.Pid()))
	}
	w.mu.Unlock()
	if dropped > 0 {
		attrs = append(attrs, slog.Int("dropped", dropped))
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "proc: worker printed", attrs...)
}
