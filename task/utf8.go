package task

import (
	"bytes"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// mayHoldBadText reports whether the encoded b holds what the JSON encoder
// writes in the place of bytes that are not UTF-8. It also finds U+FFFD that was
// meant; badText tells.
func mayHoldBadText(b []byte) bool {
	return bytes.Contains(b, []byte(`\ufffd`)) || bytes.Contains(b, []byte("\uFFFD"))
}

// badText returns the path of a string in *v that is not UTF-8, "" if there is
// none. v has been encoded, so it holds no cycle.
func badText(v any, root string) string { return badTextIn(reflect.ValueOf(v).Elem(), root) }

func badTextIn(v reflect.Value, path string) string {
	t := v.Type()
	if _, own := codecOf(t, v.CanAddr()); own {
		return "" // its text is its own affair
	}
	switch t.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return path
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return badTextIn(v.Elem(), path)
		}
	case reflect.Slice, reflect.Array:
		if k := t.Elem().Kind(); reflect.Bool <= k && k <= reflect.Float64 {
			return "" // as long as it may be
		}
		for i := range v.Len() {
			if at := badTextIn(v.Index(i), fmt.Sprintf("%s[%d]", path, i)); at != "" {
				return at
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if at := badTextIn(it.Key(), path+"[key]"); at != "" {
				return at
			}
			if at := badTextIn(it.Value(), fmt.Sprintf("%s[%v]", path, it.Key())); at != "" {
				return at
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := t.Field(i)
			if !travels(f) {
				continue
			}
			if at := badTextIn(v.Field(i), path+"."+f.Name); at != "" {
				return at
			}
		}
	}
	return ""
}
