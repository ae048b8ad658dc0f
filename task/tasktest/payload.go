package tasktest

import (
	"math"
	"reflect"
	"testing"
	"time"
)

// parcel has something of everything that travels.
type parcel struct {
	Text     string
	Flag     bool
	Ints     []int64
	Uint     uint64
	Floats   []float64
	Small    float32
	Bytes    []byte
	Array    [3]int16
	When     time.Time
	Took     time.Duration
	ByName   map[string]item
	ByNumber map[int][]string
	Item     *item
	None     *item
	Next     *parcel // recursive
	stamp
	_ struct{}
}

// stamp is embedded, unexported as it is.
type stamp struct {
	Revision int `json:"rev,omitempty"`
}

type item struct {
	Name  string
	Price *int
}

// full returns a parcel whose every field is at an edge.
func full() parcel {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	price := 0
	return parcel{
		Text:     "naïve 日本 \U0001F9F5 \u2028 e\u0301 \x00 <a href=\"&\"> שלום \ufffd",
		Flag:     true,
		Ints:     []int64{math.MinInt64, -1, 0, 1, math.MaxInt64, 1<<53 + 1},
		Uint:     math.MaxUint64,
		Floats:   []float64{0.1, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1e21, 1.0 / 3},
		Small:    math.MaxFloat32,
		Bytes:    every,
		Array:    [3]int16{math.MinInt16, 0, math.MaxInt16},
		When:     time.Date(2024, 2, 29, 23, 59, 59, 999999999, time.FixedZone("there", -5*3600-1800)),
		Took:     90*time.Minute + 1,
		ByName:   map[string]item{"": {}, "a\tb": {Name: "Ü", Price: &price}},
		ByNumber: map[int][]string{math.MinInt: nil, 0: {}, 7: {"", "x"}},
		Item:     &item{Name: "one"},
		Next:     &parcel{Text: "inner", Next: &parcel{}},
		stamp:    stamp{Revision: 3},
	}
}

// differs says where two parcels differ, "" if nowhere. Times are the same if
// they are Equal.
func differs(a, b parcel) string {
	if !a.When.Equal(b.When) {
		return "When"
	}
	a.When, b.When = time.Time{}, time.Time{}
	if a.stamp != b.stamp {
		return "Revision"
	}
	av, bv := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range av.NumField() {
		f := av.Type().Field(i)
		if f.Name == "Next" && a.Next != nil && b.Next != nil {
			if at := differs(*a.Next, *b.Next); at != "" {
				return "Next." + at
			}
			continue
		}
		if f.IsExported() && !reflect.DeepEqual(av.Field(i).Interface(), bv.Field(i).Interface()) {
			return f.Name
		}
	}
	for i := range a.Floats {
		if math.Signbit(a.Floats[i]) != math.Signbit(b.Floats[i]) {
			return "Floats"
		}
	}
	return ""
}

func payloadsArrive(t *testing.T, x *exercise) {
	in := full()
	out, err := echo.Do(x.ctx, x.r, in)
	if err != nil {
		t.Fatal(err)
	}
	if at := differs(in, out); at != "" {
		t.Errorf("%s is another:\nsent %+v\ngot  %+v", at, in, out)
	}
}

func zerosStayApart(t *testing.T, x *exercise) {
	ctx := x.ctx
	if out, err := echo.Do(ctx, x.r, parcel{}); err != nil || differs(out, parcel{}) != "" {
		t.Errorf("a zero struct: got %+v, %v", out, err)
	}
	if out, err := echoPointer.Do(ctx, x.r, nil); err != nil || out != nil {
		t.Errorf("a nil pointer: got %+v, %v", out, err)
	}
	if out, err := echoPointer.Do(ctx, x.r, &parcel{}); err != nil || out == nil {
		t.Errorf("a pointer to a zero struct: got %+v, %v", out, err)
	}
	if out, err := echoSlice.Do(ctx, x.r, nil); err != nil || out != nil {
		t.Errorf("a nil slice: got %#v, %v", out, err)
	}
	if out, err := echoSlice.Do(ctx, x.r, []string{}); err != nil || out == nil || len(out) != 0 {
		t.Errorf("an empty slice: got %#v, %v", out, err)
	}
	if out, err := echoMap.Do(ctx, x.r, nil); err != nil || out != nil {
		t.Errorf("a nil map: got %#v, %v", out, err)
	}
	if out, err := echoMap.Do(ctx, x.r, map[string]int{}); err != nil || out == nil || len(out) != 0 {
		t.Errorf("an empty map: got %#v, %v", out, err)
	}
	if out, err := echoBytes.Do(ctx, x.r, nil); err != nil || out != nil {
		t.Errorf("nil bytes: got %#v, %v", out, err)
	}
	if out, err := echoBytes.Do(ctx, x.r, []byte{}); err != nil || out == nil || len(out) != 0 {
		t.Errorf("empty bytes: got %#v, %v", out, err)
	}
}
