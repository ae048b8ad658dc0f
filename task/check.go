package task

import (
	"fmt"
	"reflect"
	"strings"
)

// checkName refuses names that could not be used everywhere a task's name is:
// in reports, metrics, command lines and records that are kept for years.
func checkName(name string) error {
	const alphabet = "a name is 1 to 128 letters and digits of ASCII, with . _ - / between them"
	switch {
	case name == "":
		return fmt.Errorf("the name is empty: %s", alphabet)
	case len(name) > 128:
		return fmt.Errorf("the name has %d bytes: %s", len(name), alphabet)
	}
	for i := range len(name) {
		c := name[i]
		inner := 0 < i && i < len(name)-1 && strings.IndexByte("._-/", c) >= 0
		if !inner && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return fmt.Errorf("the name has %q at byte %d: %s", c, i, alphabet)
		}
	}
	return nil
}

// checkType returns why values of type t would not arrive as they left, nil if
// they would. root is what t is called at the start of a path: In or Out.
func checkType(root string, t reflect.Type) error {
	k := checker{seen: make(map[visit]bool)}
	if p := k.check(t, root, true); p != nil {
		return p
	}
	return nil
}

// A problem is the first place in a type that cannot travel.
type problem struct {
	path   string // from the root: In.Lines[].price
	typ    reflect.Type
	why    string
	remedy string
}

func (p *problem) Error() string {
	return fmt.Sprintf("%s, of type %s, cannot travel: %s (%s)", p.path, p.typ, p.why, p.remedy)
}

// checker walks a type as encoding/json would.
type checker struct {
	seen map[visit]bool
}

// A visit is a type together with whether its values can be addressed, on
// which depends if methods with pointer receivers are found.
type visit struct {
	t           reflect.Type
	addressable bool
}

func (k *checker) check(t reflect.Type, path string, addressable bool) *problem {
	if v := (visit{t, addressable}); k.seen[v] {
		return nil // it is being looked at further up, or was
	} else {
		k.seen[v] = true
	}
	refuse := func(why, remedy string) *problem { return &problem{path, t, why, remedy} }
	if p, own := codecOf(t, addressable); p != nil {
		return refuse(p.why, p.remedy)
	} else if own {
		return nil
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return refuse("it means something in its own process only", "pass what it stands for")
	case reflect.Complex64, reflect.Complex128:
		return refuse("JSON has no complex numbers", "pass the two parts")
	case reflect.Interface:
		return refuse("whoever decodes it cannot know the type", "use a concrete type, or json.RawMessage")
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return refuse("JSON has one null for two pointers", "use one pointer")
		}
		return k.check(t.Elem(), path, true)
	case reflect.Slice:
		return k.check(t.Elem(), path+"[]", true)
	case reflect.Array:
		return k.check(t.Elem(), path+"[]", addressable)
	case reflect.Map:
		if p := checkKey(t.Key()); p != nil {
			return refuse(p.why, p.remedy)
		}
		return k.check(t.Elem(), path+"["+t.Key().String()+"]", false)
	case reflect.Struct:
		s := structure{k: k, names: make(map[string]string)}
		return s.check(t, path, addressable)
	}
	return nil
}

// structure is one struct with what it embeds, whose fields share their names.
type structure struct {
	k     *checker
	names map[string]string // JSON name to path
	outer []reflect.Type    // what embeds what is being looked at
}

func (s *structure) check(t reflect.Type, path string, addressable bool) *problem {
	for i := range t.NumField() {
		f := t.Field(i)
		at := path + "." + f.Name
		if f.Name == "_" || f.Tag.Get("json") == "-" {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if embedded, pointer := deref(f.Type); embedded.Kind() == reflect.Struct {
				if p := s.embed(t, f, embedded, pointer, at, addressable); p != nil {
					return p
				}
				continue
			}
		}
		if !f.IsExported() {
			if f.Type.Size() == 0 {
				continue // noCopy and the like hold nothing that could be lost
			}
			return &problem{at, f.Type, "it is unexported, so it would vanish on the way",
				fmt.Sprintf(`export it, tag it json:"-", or give %s MarshalJSON and UnmarshalJSON`, t)}
		}
		if name == "" {
			name = f.Name
		}
		if other, taken := s.names[name]; taken {
			return &problem{at, f.Type, fmt.Sprintf("in JSON it has the same name as %s, so one would vanish", other), "give one of them a json tag"}
		}
		s.names[name] = at
		if p := s.k.check(f.Type, at, addressable); p != nil {
			return p
		}
	}
	return nil
}

// embed looks at the fields that t has by embedding.
func (s *structure) embed(t reflect.Type, f reflect.StructField, embedded reflect.Type, pointer bool, at string, addressable bool) *problem {
	if pointer && !f.IsExported() {
		return &problem{at, f.Type, "JSON cannot set an embedded pointer to an unexported struct", "embed the struct itself, or export its type"}
	}
	for _, outer := range append(s.outer, t) {
		if outer == embedded {
			return &problem{at, f.Type, "it embeds itself", "give the field a name"}
		}
	}
	s.outer = append(s.outer, t)
	p := s.check(embedded, at, addressable || pointer)
	s.outer = s.outer[:len(s.outer)-1]
	return p
}

// travels reports whether JSON carries the field f of a type that was accepted.
func travels(f reflect.StructField) bool {
	t, _ := deref(f.Type)
	return f.Tag.Get("json") != "-" && (f.IsExported() || f.Anonymous && t.Kind() == reflect.Struct)
}

func deref(t reflect.Type) (elem reflect.Type, pointer bool) {
	if t.Kind() == reflect.Pointer {
		return t.Elem(), true
	}
	return t, false
}
