// Package calendar tells the times at which a named schedule of durable jobs is
// due.
//
// What it promises:
//
//   - A rule is a set of instants, whole seconds between 1970 and 2200, and
//     nothing else: it has no clock and no memory, and does not depend on when it
//     was made or who asks. [Rule.Next] and [Rule.Last] see the same set, one from
//     each side.
//   - Neither walks from one instant to the next: both cost the same over a second
//     and over ten years, and allocate nothing.
//   - What Parse accepts is due at least once. What it refuses, it refuses with the
//     field, the text, and what to write instead.
//
// # Expressions
//
// Five fields, or six:
//
//	          ┌───────────── second, 0-59; without this field it is 0
//	          │ ┌─────────── minute, 0-59
//	          │ │ ┌───────── hour, 0-23
//	          │ │ │ ┌─────── day-of-month, 1-31, L, LW, 15W
//	          │ │ │ │ ┌───── month, 1-12, JAN-DEC
//	          │ │ │ │ │ ┌─── day-of-week, 0-7, SUN-SAT, FRI#2, FRIL; 0 and 7 are Sunday
//	          0 * * * * *
//
//	*         every value; ? is the same
//	1,2       each of these
//	1-5       from 1 to 5; 22-3 and FRI-MON go round, in every field but day-of-month
//	*/5       every fifth value, from the least one
//	1-30/5    every fifth value from 1 to 30; 5/15 is from 5 to the greatest
//	L, LW     the last day of the month, and its last Monday to Friday
//	15W       the Monday to Friday nearest the 15th, in the same month; none
//	          in a month without the day
//	FRI#2     the second Friday of the month
//	FRIL, 5L  the last one
//
// [Parse] says which macros there are. "@every 90s" is due at the multiples of 90
// seconds since 1970, in no zone: so it does not matter when the schedule was made
// or which owner has it.
//
// A field is open if it begins with * or ?, as in Vixie's cron: so */2 is open, and
// 0-23 is not. It matters for three fields, below.
//
// # Days
//
// If day-of-month and day-of-week are both not open, a day has to match either one:
// "0 0 13 * FRI" is the 13th and every Friday. Otherwise it has to match both.
//
// # When clocks change
//
// With an open hour, a rule is due whenever its zone's clock shows a time that
// matches. What is skipped does not happen, what is repeated happens twice, and real
// time between goes on evenly.
//
// With any other hour, a rule is due when the clock first reaches or passes a time
// that matches. So what is repeated happens once, the first time; and what is
// skipped happens once, at the first instant after, however much it was. Unlike
// Vixie's cron, minutes have no say in this.
//
//	              Berlin, spring           Berlin, autumn
//	              1:30 1:59│3:00 3:30      1:30 2:00 2:30 2:59│2:00 2:30 3:00
//	*/30 * * * *   ●       │ ●    ●         ●    ●    ●       │ ●    ●    ●
//	30 * * * *     ●       │      ●         ●         ●       │      ●
//	30 2 * * *             │ ●                        ●       │
//	*/30 2 * * *           │ ●                   ●    ●       │
//	0 3 * * *              │ ●                                │           ●
//
// # What it refuses
//
//   - The zone "Local", which is the machine's: a log outlives machines.
//   - To embed the database of zones, 450 KB in every program. Programs that run where
//     there is none import time/tzdata. What counts is the database that a process
//     finds when it first asks for a zone: with another one, times to come are others.
//     So one owner says when the next run is, and writes that down.
//   - Years, @reboot, and hashes of names: a rule is what is written.
package calendar
