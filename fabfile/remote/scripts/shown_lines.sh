# Show lines as a terminal would finally show them, in valid UTF-8. `rendered` in logs.py does the
# same on the controller, and a test compares both. The host may have no UTF-8 locale, so all patterns are of bytes.

# show_lines: copy lines from standard input to standard output. NUL becomes DEL, which is not shown either.
show_lines() { tr '\000' '\177' | LC_ALL=C sed -E "$line_rules" | LC_ALL=C awk "$overwrite"; }

# Valid characters of more than one byte, and the beginnings of characters that are cut off; see Unicode, table 3-7.
utf8_rest='[\x80-\xbf]'
utf8_valid="[\\xc2-\\xdf]$utf8_rest|\\xe0[\\xa0-\\xbf]$utf8_rest|[\\xe1-\\xec\\xee\\xef]$utf8_rest$utf8_rest"
utf8_valid="$utf8_valid|\\xed[\\x80-\\x9f]$utf8_rest|\\xf0[\\x90-\\xbf]$utf8_rest$utf8_rest"
utf8_valid="$utf8_valid|[\\xf1-\\xf3]$utf8_rest$utf8_rest$utf8_rest|\\xf4[\\x80-\\x8f]$utf8_rest$utf8_rest"
utf8_cut="\\xe0[\\xa0-\\xbf]|[\\xe1-\\xec\\xee\\xef]$utf8_rest|\\xed[\\x80-\\x9f]|\\xf0[\\x90-\\xbf]$utf8_rest?"
utf8_cut="$utf8_cut|[\\xf1-\\xf3]$utf8_rest$utf8_rest?|\\xf4[\\x80-\\x8f]$utf8_rest?|[\\x80-\\xff]"

# Escape sequences and control characters as in logs.py, but for CR and backspace.
csi='(\x1b\[|\xc2\x9b)[0-?]*[ -/]*[@-~]'
string='(\x1b[]PX^_]|\xc2[\x90\x98\x9d-\x9f])([^\n\x07\x1b\xc2]|\xc2[\xa0-\xbf])*(\x07|\x1b\\|\xc2\x9c)'
escapes="$csi|$string|\\x1b[ -/]*[0-~]"
controls='[\x01-\x07\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]'

# The rules for sed. A newline marks a place within a line. At first, it stands behind each character, so that one that
# is alone shows invalid bytes. Then it marks a line with CR or backspace (1), what erases the rest of a line (0), and what
# erases all of it (2). awk gets a line with CR or backspace behind \x01, or \x02 if it is not ASCII, divided by \x01.
line_rules="s/\\r+\$//
/[\\x80-\\xff]/ {
  /^([^\\x80-\\xff]|$utf8_valid)*\$/! {
    s/($utf8_valid)|$utf8_cut/\\1\\n/g
    s/($utf8_valid)\\n/\\1/g
    s/\\n/\\xef\\xbf\\xbd/g
  }
}
/[\\x01-\\x08\\x0b-\\x1f\\x7f\\xc2\\xe2]/! b
/[\\r\\x08]/ s/^/\\n1/
s/\\x1b\\[0?K/\\n0/g
s/\\x1b\\[2K/\\n2/g
s/$escapes|$controls//g
/^\\n1/! {
  s/\\n[02]//g
  b
}
s/^\\n1//
s/\\n0/\\x04/g
s/\\n2/\\x05/g
/[\\x80-\\xff]/ {
  s/[\\xc2-\\xf4]$utf8_rest+|./\\x01&/g
  s/^/\\x02/
  b
}
s/[\\r\\x08\\x04\\x05]|[^\\r\\x08\\x04\\x05]+/\\x01&/g
s/^\\x01?/\\x01/"

# The program for awk: write the parts of a divided line over each other.
# shellcheck disable=SC2016 # these are variables of awk
overwrite='
!/^[\001\002]/ { print; next }
{
  count = split(substr($0, 2), step, "\001")
  line = ""
  if (/^\001/) overwrite_text(); else overwrite_cells()
  print line
}
function overwrite_text(i, at) {
  for (i = 1; i <= count; i++) {
    if (step[i] == "\r") at = 0
    else if (step[i] == "\b") at -= (at > 0)
    else if (step[i] == "\004") line = substr(line, 1, at)
    else if (step[i] == "\005") line = sprintf("%" at "s", "")
    else {
      line = substr(line, 1, at) step[i] substr(line, at + length(step[i]) + 1)
      at += length(step[i])
    }
  }
}
function overwrite_cells(i, at, end, shown) {
  at = end = 0
  for (i = 2; i <= count; i++) {
    if (step[i] == "\r") at = 0
    else if (step[i] == "\b") at -= (at > 0)
    else if (step[i] == "\004") end = at
    else if (step[i] == "\005") for (end = 0; end < at; end++) shown[end] = " "
    else { shown[at++] = step[i]; if (at > end) end = at }
  }
  for (i = 0; i < end; i++) line = line shown[i]
}'
