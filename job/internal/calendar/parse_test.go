package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hemgo/hem/job/internal/calendar"
)

// readings are expressions, and the form that String gives them.
var readings = []struct{ expr, want string }{
	{"* * * * *", "* * * * *"},
	{"? ? ? ? ?", "* * * * *"},
	{"*/1 */1 */1 */1 */1", "* * * * *"},
	{"0 * * * * *", "* * * * *"},
	{"* * * * * *", "* * * * * *"},
	{"5-59/10 * * * * *", "5,15,25,35,45,55 * * * * *"},
	{" \t05 04  * *\n* ", "5 4 * * *"},

	{"1,2 1,2,3 1,1,1 * *", "1,2 1-3 1 * *"},
	{"1-5,3-9,20 * * * *", "1-9,20 * * * *"},
	{"*/5 * * * *", "*/5 * * * *"},
	{"0-59/5 * * * *", "*/5 * * * *"},
	{"1-30/5 * * * *", "1,6,11,16,21,26 * * * *"},
	{"5/15 * * * *", "5,20,35,50 * * * *"},
	{"0-59 0 * 1-12 *", "* 0 * * *"},
	{"0 0 * JAN-mar,Dec *", "0 0 * 1-3,12 *"},
	{"0 0 * * mon-FRI", "0 0 * * 1-5"},

	// Where it matters, what is open stays so, and what is not stays not.
	{"0 0-23 * * *", "0 0-23 * * *"},
	{"0 */2,5 * * *", "0 */2,5 * * *"},
	{"0 5,*/2 * * *", "0 0,2,4-6,8,10,12,14,16,18,20,22 * * *"},
	{"0 */6,*/4 * * *", "0 */4,6,18 * * *"},
	{"0 0 1-31 * 1", "0 0 1-31 * 1"},
	{"0 0 */2 * 0-6", "0 0 */2 * 0-6"},
	{"0 0 * * */3", "0 0 * * */3"},

	// Round the end.
	{"0 22-3 * * *", "0 0-3,22,23 * * *"},
	{"0 20-3/2 * * *", "0 0,2,20,22 * * *"},
	{"50-10/10 * * * *", "0,10,50 * * * *"},
	{"0 0 * NOV-FEB *", "0 0 * 1,2,11,12 *"},
	{"0 0 * * FRI-MON", "0 0 * * 0,1,5,6"},

	// Sunday is 0 and 7.
	{"0 0 * * 7", "0 0 * * 0"},
	{"0 0 * * 0-7", "0 0 * * 0-6"},
	{"0 0 * * 5-7", "0 0 * * 0,5,6"},
	{"0 0 * * 7-2", "0 0 * * 0-2"},
	{"0 0 * * 7-7", "0 0 * * 0"},
	{"0 0 * * 7/2", "0 0 * * 0,2,4,6"},
	{"0 0 * * sat-sun", "0 0 * * 0,6"},
	{"0 0 * * 7L,7#1", "0 0 * * 0#1,0L"},

	// Days that are not numbers.
	{"0 0 L * *", "0 0 L * *"},
	{"0 0 l,lw,15w,1 * *", "0 0 1,15W,LW,L * *"},
	{"0 0 * * 5L", "0 0 * * 5L"},
	{"0 0 * * fril,FRI#2,mon", "0 0 * * 1,5#2,5L"},
	{"0 0 * * MON#1,MON#2,MON#3,MON#4,MON#5", "0 0 * * 1"},
	{"0 0 * * *,5L", "0 0 * * *,5L"},

	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{" @Yearly ", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@every 90s", "@every 1m30s"},
	{"@EVERY  1H", "@every 1h0m0s"},
	{"@every 1s", "@every 1s"},
	{"@every 87600h", "@every 87600h0m0s"},
}

func TestParseReadsEveryWayToWriteARule(t *testing.T) {
	for _, c := range readings {
		if got := must(t, c.expr, "").String(); got != c.want {
			t.Errorf("%q: got %q, want %q", c.expr, got, c.want)
		}
	}
}

func TestParseReadsWhatStringWroteAsAnEqualRule(t *testing.T) {
	for _, c := range readings {
		for _, zone := range []string{"", "Asia/Kolkata"} {
			if strings.HasPrefix(c.want, "@") {
				zone = ""
			}
			r := must(t, c.expr, zone)
			if again := must(t, r.String(), r.Zone()); *again != *r || again.String() != r.String() {
				t.Errorf("%q is %q, and that is %q", c.expr, r, again)
			}
		}
	}
}

// refusals are expressions and what is wrong with them, in the words of the error.
var refusals = []struct{ expr, zone, want string }{
	{"", "", `is empty: write minute hour day-of-month month day-of-week, as in "30 4 * * MON-FRI", or a macro, as @daily`},
	{" \n", "", `is empty: write minute hour day-of-month month day-of-week, as in "30 4 * * MON-FRI", or a macro, as @daily`},
	{"* * * *", "", "has 4 fields: there are five, minute hour day-of-month month day-of-week, or six with second in front"},
	{"* * * * * * 2024", "", "has 7 fields: there are five, minute hour day-of-month month day-of-week, or six with second in front"},

	{"61 * * * *", "", "minute 61 is not 0 to 59"},
	{"60 * * * * *", "", "second 60 is not 0 to 59"},
	{"0 24 * * *", "", "hour 24 is not 0 to 23"},
	{"0 0 0 * *", "", "day-of-month 0 is not 1 to 31, L, LW, or a day with W"},
	{"0 0 32 * *", "", "day-of-month 32 is not 1 to 31, L, LW, or a day with W"},
	{"0 0 * 13 *", "", "month 13 is not 1 to 12 or JAN to DEC"},
	{"0 0 * JUNE *", "", `month "JUNE" is not 1 to 12 or JAN to DEC`},
	{"0 0 * * 8", "", "day-of-week 8 is not 0 to 7 or SUN to SAT"},
	{"0 0 * * MONDAY", "", `day-of-week "MONDAY" is not 0 to 7 or SUN to SAT`},
	{"0 0 * * ſun", "", `day-of-week "ſUN" is not 0 to 7 or SUN to SAT`},
	{"99999999999999999999 * * * *", "", `minute "99999999999999999999" is not 0 to 59`},
	{"-1 * * * *", "", `minute "" is not 0 to 59`},
	{"+1 * * * *", "", `minute "+1" is not 0 to 59`},
	{"1- * * * *", "", `minute "" is not 0 to 59`},
	{"1-2-3 * * * *", "", `minute "2-3" is not 0 to 59`},
	{"** * * * *", "", `minute "**" is not 0 to 59`},
	{"*-5 * * * *", "", `minute "*" is not 0 to 59`},
	{"H * * * *", "", `minute "H" is not 0 to 59`},
	{"1, 2 * * * *", "", `second "1," has an empty part: write a list as 1,2 and without spaces`},
	{"1,,2 * * * *", "", `minute "1,,2" has an empty part: write a list as 1,2 and without spaces`},

	{"*/0 * * * *", "", `minute step 0 is not 1 to 59: steps begin again with each field, and what goes on is an @every`},
	{"*/90 * * * *", "", `minute step 90 is not 1 to 59: steps begin again with each field, and what goes on is an @every`},
	{"0 */24 * * *", "", `hour step 24 is not 1 to 23: steps begin again with each field, and what goes on is an @every`},
	{"1/x * * * *", "", `minute step "X" is not 1 to 59: steps begin again with each field, and what goes on is an @every`},
	{"1/2/3 * * * *", "", `minute step "2/3" is not 1 to 59: steps begin again with each field, and what goes on is an @every`},

	{"0 0 25-5 * *", "", "day-of-month 25-5 goes backwards, and the end of a month is not always the same: write 25-31,1-5"},
	{"0 0 L-3 * *", "", `day-of-month "L-3": there are L, the last day, and LW, the last Monday to Friday, and nothing counts back from them`},
	{"0 0 32W * *", "", "day-of-month 32 is not 1 to 31, L, LW, or a day with W"},
	{"0 0 1-5W * *", "", `day-of-month "1-5" is not 1 to 31, L, LW, or a day with W`},
	{"0 0 * L *", "", `month "L" is not 1 to 12 or JAN to DEC`},
	{"0 0 * * L", "", "day-of-week L is the last of which day? Write 5L or FRIL for the last Friday, and 6 for every Saturday"},
	{"0 0 * * 8L", "", "day-of-week 8 is not 0 to 7 or SUN to SAT"},
	{"0 0 * * MON-FRIL", "", `day-of-week "MON-FRI" is not 0 to 7 or SUN to SAT`},
	{"0 0 * * FRI#6", "", `day-of-week "FRI#6": after # is which one of the month, 1 to 5, and the last one is FRIL`},
	{"0 0 * * FRI#", "", `day-of-week "FRI#": after # is which one of the month, 1 to 5, and the last one is FRIL`},
	{"0 0 * * X#1", "", `day-of-week "X" is not 0 to 7 or SUN to SAT`},

	{"0 0 30 2 *", "", "is never due: there is no such day"},
	{"0 0 31 2,4,6,9,11 *", "", "is never due: there is no such day"},
	{"0 0 31W FEB ?", "", "is never due: there is no such day"},
	{"0 0 */30 * MON#2", "", "is never due: there is no such day"},

	{"@reboot", "", "is due when a machine starts, and a schedule outlives machines: enqueue the job when your program starts"},
	{"@fortnightly", "", `"@fortnightly" is not a macro: there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every`},
	{"@daily 5", "", "has more than @daily, which stands alone"},
	{"@every", "", "has no interval, or more than one: write it as in @every 1h30m"},
	{"@every 1h 30m", "", "has no interval, or more than one: write it as in @every 1h30m"},
	{"@every day", "", `interval "day" is not a duration, as 90s and 1h30m are`},
	{"@every 0s", "", "interval 0s is too short: it is at least 1s"},
	{"@every -5m", "", "interval -5m is too short: it is at least 1s"},
	{"@every 999ms", "", "interval 999ms is too short: it is at least 1s"},
	{"@every 1500ms", "", "interval 1500ms is not in whole seconds: 2s would be"},
	{"@every 87601h", "", "interval 87601h is too long: it is at most ten years, 87600h"},
	{"@every 9999999h", "", `interval "9999999h" is not a duration, as 90s and 1h30m are`},
	{"@every 1h", "Europe/Berlin", "is due at multiples of an interval, whatever clocks show: give no zone"},
	{"@every 1h", "UTC", "is due at multiples of an interval, whatever clocks show: give no zone"},

	{"TZ=Europe/Berlin 0 0 * * *", "", "has a zone in it: give that beside the expression"},
	{"CRON_TZ=Europe/Berlin 0 0 * * *", "", "has a zone in it: give that beside the expression"},
	{"0 0 * * *", "Local", `zone "Local" is the machine's own, and a schedule outlives machines: name a place, such as "Europe/Berlin"`},
	{"0 0 * * *", "Europe//Berlin", `zone "Europe//Berlin" is not an IANA name, such as "Europe/Berlin"`},
	{"0 0 * * *", "../Berlin", `zone "../Berlin" is not an IANA name, such as "Europe/Berlin"`},
	{"0 0 * * *", "Europe/", `zone "Europe/" is not an IANA name, such as "Europe/Berlin"`},
	{"0 0 * * *", " ", `zone " " is not an IANA name, such as "Europe/Berlin"`},
	{"0 0 * * *", "Europe/Berlni", `zone "Europe/Berlni" is not known here: look at its spelling, and if that is right, import _ "time/tzdata" or install tzdata (unknown time zone Europe/Berlni)`},
}

func TestParseSaysWhatIsWrongAndWhatToWriteInstead(t *testing.T) {
	for _, c := range refusals {
		r, err := calendar.Parse(c.expr, c.zone)
		switch {
		case err == nil:
			t.Errorf("%q in %q: got %v, want an error", c.expr, c.zone, r)
		case err.Error() != "calendar: "+quoted(c.expr)+": "+c.want:
			t.Errorf("%q in %q:\ngot  %v\nwant calendar: %s: %s", c.expr, c.zone, err, quoted(c.expr), c.want)
		}
	}
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }

func TestParseDoesNotRepeatAllOfALongText(t *testing.T) {
	for _, expr := range []string{strings.Repeat("*", 2000), strings.Repeat("é", 500) + " * * * *"} {
		_, err := calendar.Parse(expr, "")
		if err == nil || len(err.Error()) > 1500 || !strings.Contains(err.Error()[:160], `..."`) {
			t.Errorf("got %v", err)
		}
	}
}

func TestParseGivesTheZoneItHasUsed(t *testing.T) {
	for zone, want := range map[string]string{"": "UTC", "UTC": "UTC", "America/New_York": "America/New_York"} {
		r := must(t, "0 12 * * *", zone)
		if got := r.Zone(); got != want {
			t.Errorf("%q: got zone %q, want %q", zone, got, want)
		}
		if got := r.Next(utc("2024")).Location().String(); got != want {
			t.Errorf("%q: got a time in %q, want %q", zone, got, want)
		}
	}
	r := must(t, "@every 1h", "")
	if r.Zone() != "" || r.Next(utc("2024")).Location() != time.UTC {
		t.Errorf("@every has zone %q", r.Zone())
	}
}

func TestEveryIsTheIntervalOfAnEveryAlone(t *testing.T) {
	if got := must(t, "@every 90s", "").Every(); got != 90*time.Second {
		t.Errorf("got %v", got)
	}
	if got := must(t, "@hourly", "").Every(); got != 0 {
		t.Errorf("got %v", got)
	}
}
