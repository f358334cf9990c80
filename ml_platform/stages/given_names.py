"""Given names: common ones of many languages, to tell a column of persons from one of airlines or airports."""

from __future__ import annotations

GIVEN_NAMES = frozenset(
    "aaron abigail adam adrian agnes ahmed aisha alan albert alejandro alessandro alex alexander alexandra alexis ali "
    "alice alicia allison amanda amber amelia amir amy ana anders andrea andreas andrew angela angelica anita ann "
    "anna anne annette anthony antoine antonio arjun arthur ashley astrid austin ava barbara beatrice benjamin "
    "bernard betty bianca birgit björn bob brandon brenda brian bruno bryan camille carl carla carlos carmen carol "
    "caroline cassandra catherine cecilia charles charlotte chen chloe chris christian christina christine "
    "christopher claire clara claudia colin connor crystal cynthia daniel danielle david deborah debra denise dennis "
    "diana diane dieter dimitri donald donna dorothy douglas dylan edward elena elif elisabeth elizabeth ella emil "
    "emily emma eric erica erik erin ethan eva evelyn fatima felix fernando florian frances francesca francesco "
    "francisco frank franz françois frederik gabriel gary george gerald gerhard giovanni giulia gloria grace gregory "
    "guillaume gustav hanna hannah hans harold harry hassan heather heidi heinz helen helena helga henri henry "
    "herbert hiroshi holly ian ibrahim ingrid irene isabel isabella ivan jack jacob jacqueline james jamie jan jane "
    "janet janice jasmine jason jean jeffrey jennifer jeremy jerry jesse jessica joan joe johan johannes john "
    "jonathan jordan jorge jose josef joseph joshua josé joyce juan judith judy julia julian julie jürgen karen karin "
    "karl katarzyna katharina katherine kathleen kathryn katja keith kelly kenneth kevin kim kimberly klaus krzysztof "
    "kyle lars laura lauren laurent lea leah lena leon leonardo liam lina linda lisa lois lorenzo louis louise luca "
    "lucas lucia luis lukas luke madison maja manfred marco margaret maria marie marilyn marina mario mark marta "
    "martha martin martina mary mateo matteo matthew max maximilian megan mehmet mei melissa mia michael michal "
    "michel michelle miguel mohamed mohammed monica monika muhammad natalia natalie nathan nicholas nicola nicolas "
    "nicole nikolai nina noah nora olga oliver olivia omar oscar pablo pamela patricia patrick paul paula pedro per "
    "peter petra philip philippe pierre piotr priya rachel rafael rahul raj ralph raymond rebecca renate ricardo "
    "richard robert roberto roger roland ronald rosa rose russell ruth ryan sabine samantha samuel sandra sara sarah "
    "sean sebastian sergei sergio sharon shirley silvia simon simone sofia sonja sophia sophie stefan stefano "
    "stephanie stephen steven sun susan susanne sven takashi tamara tanja teresa terry theodor theresa thomas tiffany "
    "tim timothy tina tobias tomasz tony tyler ursula uwe valentina vanessa vera victor victoria viktor vincent "
    "virginia walter wei werner william wolfgang xavier yan yuki yusuf yvonne zachary zeynep zoe zoë".split()
)
