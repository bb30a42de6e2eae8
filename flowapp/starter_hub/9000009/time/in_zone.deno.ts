/** A moment in words of a place: its date, time, weekday and offset there. */
export function main(moment: string = "", timezone: string = "UTC") {
  const at = moment === "" ? new Date() : new Date(moment);
  if (Number.isNaN(at.getTime())) throw new Error(`This is not a time: ${moment}`);
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      weekday: "long",
      hourCycle: "h23",
      timeZoneName: "longOffset",
    }).formatToParts(at).map((part) => [part.type, part.value]),
  );
  return {
    date: `${parts.year}-${parts.month}-${parts.day}`,
    time: `${parts.hour}:${parts.minute}:${parts.second}`,
    weekday: parts.weekday,
    offset: parts.timeZoneName.replace("GMT", "") || "+00:00",
    iso: at.toISOString(),
  };
}
