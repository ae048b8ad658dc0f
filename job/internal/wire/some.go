package wire

import "github.com/hemgo/hem/job/internal/state"

// The fields that only some jobs have. A mask before them says which, so one that is
// zero all the same would be a second encoding of its value, and is refused.

func (f *Fields) some(v *int64) {
	f.Int(v)
	f.Demand(*v != 0)
}

func (f *Fields) someUint(v *uint64) {
	f.Uint(v)
	f.Demand(*v != 0)
}

func (f *Fields) someText(v *string) {
	f.Text(v)
	f.Demand(*v != "")
}

func (f *Fields) priority(v *int8) {
	f.Int8(v)
	f.Demand(*v != 0)
}

func (f *Fields) group(v *string) {
	f.Name(v)
	f.Demand(*v != "")
}

func (f *Fields) limit(name, key *string) {
	f.Name(name)
	f.Text(key)
	f.Demand(*name != "" || *key != "")
}

func (f *Fields) unique(v *state.Unique) {
	f.Byte((*byte)(v))
	f.Demand(*v != 0)
}

func (f *Fields) parent(id *uint64, epoch *uint32) {
	f.Uint(id)
	f.Uint32(epoch)
	f.Demand(*id != 0 || *epoch != 0)
}

func (f *Fields) tags(v *[]string) {
	f.Texts(v, mostTags)
	f.Demand(len(*v) > 0)
}

func (f *Fields) trace(parent, more *string) {
	f.Text(parent)
	f.Text(more)
	f.Demand(*parent != "" || *more != "")
}

func (f *Fields) tick(schedule *string, at *int64) {
	f.Name(schedule)
	f.Int(at)
	f.Demand(*schedule != "" || *at != 0)
}
