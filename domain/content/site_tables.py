"""Tables of twitter-text 3.1.0, by which the site counts lengths and finds links. Made, not written.

Copyright Twitter, Inc., under the Apache License 2.0 (twitter-text) and the MIT License (the emoji, twemoji-parser).
`python -m tests.reference.make DIRECTORY` makes them anew from the JavaScript edition of twitter-text in DIRECTORY.

LIGHT: ranges of code points that weigh 1. TLDS: endings of domains, with blanks between. CASES: for a letter in them
that is not ASCII, all that counts as the same. The others are insides of character classes, EMOJI a whole expression,
all over UTF-16 code units.
"""

LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
CASES = {
    "\xf6": "\xd6\xf6",
    "\u03b5": "\u0395\u03b5\u03f5",
    "\u03bb": "\u039b\u03bb",
    "\u03c5": "\u03a5\u03c5",
    "\u0430": "\u0410\u0430",
    "\u0431": "\u0411\u0431",
    "\u0432": "\u0412\u0432\u1c80",
    "\u0433": "\u0413\u0433",
    "\u0434": "\u0414\u0434\u1c81",
    "\u0435": "\u0415\u0435",
    "\u0437": "\u0417\u0437",
    "\u0438": "\u0418\u0438",
    "\u0439": "\u0419\u0439",
    "\u043a": "\u041a\u043a",
    "\u043b": "\u041b\u043b",
    "\u043c": "\u041c\u043c",
    "\u043d": "\u041d\u043d",
    "\u043e": "\u041e\u043e\u1c82",
    "\u0440": "\u0420\u0440",
    "\u0441": "\u0421\u0441\u1c83",
    "\u0442": "\u0422\u0442\u1c84\u1c85",
    "\u0443": "\u0423\u0443",
    "\u0444": "\u0424\u0444",
    "\u044e": "\u042e\u044e",
    "\u049b": "\u049a\u049b",
    "\u0561": "\u0531\u0561",
    "\u0570": "\u0540\u0570",
    "\u0575": "\u0545\u0575",
    "\u10d2": "\u10d2\u1c92",
    "\u10d4": "\u10d4\u1c94",
}
TLDS = (
    "\uc0bc\uc131 \ub2f7\ucef4 \ub2f7\ub137 \u9999\u683c\u91cc\u62c9 \u9910\u5385 \u98df\u54c1 \u98de\u5229\u6d66 "
    "\u96fb\u8a0a\u76c8\u79d1 \u96c6\u56e2 \u901a\u8ca9 \u8d2d\u7269 \u8c37\u6b4c \u8bfa\u57fa\u4e9a \u8054\u901a "
    "\u7f51\u7edc \u7f51\u7ad9 \u7f51\u5e97 \u7f51\u5740 \u7ec4\u7ec7\u673a\u6784 \u79fb\u52a8 \u73e0\u5b9d "
    "\u70b9\u770b \u6e38\u620f \u6de1\u9a6c\u9521 \u673a\u6784 \u66f8\u7c4d \u65f6\u5c1a \u65b0\u95fb \u653f\u5e9c "
    "\u653f\u52a1 \u62db\u8058 \u624b\u8868 \u624b\u673a \u6211\u7231\u4f60 \u6148\u5584 \u5fae\u535a \u5e7f\u4e1c "
    "\u5de5\u884c \u5bb6\u96fb \u5a31\u4e50 \u5929\u4e3b\u6559 \u5927\u62ff \u5927\u4f17\u6c7d\u8f66 \u5728\u7ebf "
    "\u5609\u91cc\u5927\u9152\u5e97 \u5609\u91cc \u5546\u6807 \u5546\u5e97 \u5546\u57ce \u516c\u76ca \u516c\u53f8 "
    "\u516b\u5366 \u5065\u5eb7 \u4fe1\u606f \u4f5b\u5c71 \u4f01\u4e1a \u4e2d\u6587\u7f51 \u4e2d\u4fe1 \u4e16\u754c "
    "\u30dd\u30a4\u30f3\u30c8 \u30d5\u30a1\u30c3\u30b7\u30e7\u30f3 \u30bb\u30fc\u30eb \u30b9\u30c8\u30a2 "
    "\u30b3\u30e0 \u30b0\u30fc\u30b0\u30eb \u30af\u30e9\u30a6\u30c9 \u307f\u3093\u306a \u0e04\u0e2d\u0e21 "
    "\u0938\u0902\u0917\u0920\u0928 \u0928\u0947\u091f \u0915\u0949\u092e \u0647\u0645\u0631\u0627\u0647 "
    "\u0645\u0648\u0642\u0639 \u0645\u0648\u0628\u0627\u064a\u0644\u064a \u0643\u0648\u0645 "
    "\u0643\u0627\u062b\u0648\u0644\u064a\u0643 \u0639\u0631\u0628 \u0634\u0628\u0643\u0629 "
    "\u0628\u064a\u062a\u0643 \u0628\u0627\u0632\u0627\u0631 \u0627\u0644\u0639\u0644\u064a\u0627\u0646 "
    "\u0627\u0631\u0627\u0645\u0643\u0648 \u0627\u062a\u0635\u0627\u0644\u0627\u062a "
    "\u0627\u0628\u0648\u0638\u0628\u064a \u05e7\u05d5\u05dd \u0441\u0430\u0439\u0442 \u0440\u0443\u0441 "
    "\u043e\u0440\u0433 \u043e\u043d\u043b\u0430\u0439\u043d \u043c\u043e\u0441\u043a\u0432\u0430 "
    "\u043a\u043e\u043c \u043a\u0430\u0442\u043e\u043b\u0438\u043a \u0434\u0435\u0442\u0438 zuerich zone zippo zip "
    "zero zara zappos yun youtube you yokohama yoga yodobashi yandex yamaxun yahoo yachts xyz xxx xperia xin "
    "xihuan xfinity xerox xbox wtf wtc wow world works work woodside wolterskluwer wme winners wine windows win "
    "williamhill wiki wien whoswho weir weibo wedding wed website weber webcam weatherchannel weather watches "
    "watch warman wanggou wang walter walmart wales vuelos voyage voto voting vote volvo volkswagen vodka "
    "vlaanderen vivo viva vistaprint vista vision visa virgin vip vin villas viking vig video viajes vet "
    "versicherung verm\xf6gensberatung verm\xf6gensberater verisign ventures vegas vanguard vana vacations ups uol "
    "uno university unicom uconnect ubs ubank tvs tushu tunes tui tube trv trust travelersinsurance travelers "
    "travelchannel travel training trading trade toys toyota town tours total toshiba toray top tools tokyo today "
    "tmall tkmaxx tjx tjmaxx tirol tires tips tiffany tienda tickets tiaa theatre theater thd teva tennis temasek "
    "telefonica telecity tel technology tech team tdk tci taxi tax tattoo tatar tatamotors target taobao talk "
    "taipei tab systems symantec sydney swiss swiftcover swatch suzuki surgery surf support supply supplies sucks "
    "style study studio stream store storage stockholm stcgroup stc statoil statefarm statebank starhub star "
    "staples stada srt srl spreadbetting spot sport spiegel space soy sony song solutions solar sohu software "
    "softbank social soccer sncf smile smart sling skype sky skin ski site singles sina silk shriram showtime show "
    "shouji shopping shop shoes shiksha shia shell shaw sharp shangrila sfr sexy sex sew seven ses services sener "
    "select seek security secure seat search scot scor scjohnson science schwarz schule school scholarships "
    "schmidt schaeffler scb sca sbs sbi saxo save sas sarl sapo sap sanofi sandvikcoromant sandvik samsung "
    "samsclub salon sale sakura safety safe saarland ryukyu rwe run ruhr rugby rsvp room rogers rodeo rocks rocher "
    "rmit rip rio ril rightathome ricoh richardli rich rexroth reviews review restaurant rest republican report "
    "repair rentals rent ren reliance reit reisen reise rehab redumbrella redstone red recipes realty realtor "
    "realestate read raid radio racing qvc quest quebec qpon pwc pub prudential pru protection property properties "
    "promo progressive prof productions prod pro prime press praxi pramerica post porn politie poker pohl pnc plus "
    "plumbing playstation play place pizza pioneer pink ping pin pid pictures pictet pics piaget physio photos "
    "photography photo phone philips phd pharmacy pfizer pet pccw pay passagens party parts partners pars paris "
    "panerai panasonic pamperedchef page ovh ott otsuka osaka origins orientexpress organic org orange oracle open "
    "ooo onyourside online onl ong one omega ollo oldnavy olayangroup olayan okinawa office off observer obi nyc "
    "ntt nrw nra nowtv nowruz now norton northwesternmutual nokia nissay nissan ninja nikon nike nico nhk ngo nfl "
    "nexus nextdirect next news newholland new neustar network netflix netbank net nec nba navy natura nationwide "
    "name nagoya nadex nab mutuelle mutual museum mtr mtpc mtn msd movistar movie mov motorcycles moto moscow "
    "mortgage mormon mopar montblanc monster money monash mom moi moe moda mobily mobile mobi mma mls mlb "
    "mitsubishi mit mint mini mil microsoft miami metlife merckmsd meo menu men memorial meme melbourne meet media "
    "med mckinsey mcdonalds mcd mba mattel maserati marshalls marriott markets marketing market map mango "
    "management man makeup maison maif madrid macys luxury luxe lupin lundbeck ltda ltd lplfinancial lpl love "
    "lotto lotte london lol loft locus locker loans loan llp llc lixil living live lipsy link linde lincoln limo "
    "limited lilly like lighting lifestyle lifeinsurance life lidl liaison lgbt lexus lego legal lefrak leclerc "
    "lease lds lawyer law latrobe latino lat lasalle lanxess landrover land lancome lancia lancaster lamer "
    "lamborghini ladbrokes lacaixa kyoto kuokgroup kred krd kpn kpmg kosher komatsu koeln kiwi kitchen kindle "
    "kinder kim kia kfh kerryproperties kerrylogistics kerryhotels kddi kaufen juniper juegos jprs jpmorgan joy "
    "jot joburg jobs jnj jmp jll jlc jio jewelry jetzt jeep jcp jcb java jaguar iwc iveco itv itau istanbul ist "
    "ismaili iselect irish ipiranga investments intuit international intel int insure insurance institute ink ing "
    "info infiniti industries inc immobilien immo imdb imamat ikano iinet ifm ieee icu ice icbc ibm hyundai hyatt "
    "hughes htc hsbc how house hotmail hotels hoteles hot hosting host hospital horse honeywell honda homesense "
    "homes homegoods homedepot holiday holdings hockey hkt hiv hitachi hisamitsu hiphop hgtv hermes here helsinki "
    "help healthcare health hdfcbank hdfc hbo haus hangout hamburg hair guru guitars guide guge gucci guardian "
    "group grocery gripe green gratis graphics grainger gov got gop google goog goodyear goodhands goo golf "
    "goldpoint gold godaddy gmx gmo gmbh gmail globo global gle glass glade giving gives gifts gift ggee george "
    "genting gent gea gdn gbiz gay garden gap games game gallup gallo gallery gal fyi futbol furniture fund fun "
    "fujixerox fujitsu ftr frontier frontdoor frogans frl fresenius free fox foundation forum forsale forex ford "
    "football foodnetwork food foo fly flsmidth flowers florist flir flights flickr fitness fit fishing fish "
    "firmdale firestone fire financial finance final film fido fidelity fiat ferrero ferrari feedback fedex fast "
    "fashion farmers farm fans fan family faith fairwinds fail fage extraspace express exposed expert exchange "
    "everbank events eus eurovision etisalat esurance estate esq erni ericsson equipment epson epost enterprises "
    "engineering engineer energy emerck email education edu edeka eco eat earth dvr dvag durban dupont duns dunlop "
    "duck dubai dtv drive download dot doosan domains doha dog dodge doctor docs dnp diy dish discover discount "
    "directory direct digital diet diamonds dhl dev design desi dentist dental democrat delta deloitte dell "
    "delivery degree deals dealer deal dds dclk day datsun dating date data dance dad dabur cyou cymru cuisinella "
    "csc cruises cruise crs crown cricket creditunion creditcard credit cpa courses coupons coupon country corsica "
    "coop cool cookingchannel cooking contractors contact consulting construction condos comsec computer compare "
    "company community commbank comcast com cologne college coffee codes coach clubmed club cloud clothing "
    "clinique clinic click cleaning claims cityeats city citic citi citadel cisco circle cipriani church chrysler "
    "chrome christmas chloe chintai cheap chat chase charity channel chanel cfd cfa cern ceo center ceb cbs cbre "
    "cbn cba catholic catering cat casino cash caseih case casa cartier cars careers career care cards caravan car "
    "capitalone capital capetown canon cancerresearch camp camera cam calvinklein call cal cafe cab bzh buzz buy "
    "business builders build bugatti budapest brussels brother broker broadway bridgestone bradesco box boutique "
    "bot boston bostik bosch boots booking book boo bond bom bofa boehringer boats bnpparibas bnl bmw bms blue "
    "bloomberg blog blockbuster blanco blackfriday black biz bio bingo bing bike bid bible bharti bet bestbuy best "
    "berlin bentley beer beauty beats bcn bcg bbva bbt bbc bayern bauhaus basketball baseball bargains barefoot "
    "barclays barclaycard barcelona bar bank band bananarepublic banamex baidu baby azure axa aws avianca autos "
    "auto author auspost audio audible audi auction attorney athleta associates asia asda arte art arpa army archi "
    "aramco arab aquarelle apple app apartments aol anz anquan android analytics amsterdam amica amfam amex "
    "americanfamily americanexpress alstom alsace ally allstate allfinanz alipay alibaba alfaromeo akdn airtel "
    "airforce airbus aigo aig agency agakhan africa afl afamilycompany aetna aero aeg adult ads adac actor active "
    "aco accountants accountant accenture academy abudhabi abogado able abc abbvie abbott abb abarth aarp aaa "
    "onion \ud55c\uad6d \u9999\u6e2f \u6fb3\u9580 \u65b0\u52a0\u5761 \u53f0\u7063 \u53f0\u6e7e \u4e2d\u570b "
    "\u4e2d\u56fd \u10d2\u10d4 \u0ea5\u0eb2\u0ea7 \u0e44\u0e17\u0e22 \u0dbd\u0d82\u0d9a\u0dcf "
    "\u0d2d\u0d3e\u0d30\u0d24\u0d02 \u0cad\u0cbe\u0cb0\u0ca4 \u0c2d\u0c3e\u0c30\u0c24\u0c4d "
    "\u0b9a\u0bbf\u0b99\u0bcd\u0b95\u0baa\u0bcd\u0baa\u0bc2\u0bb0\u0bcd \u0b87\u0bb2\u0b99\u0bcd\u0b95\u0bc8 "
    "\u0b87\u0ba8\u0bcd\u0ba4\u0bbf\u0baf\u0bbe \u0b2d\u0b3e\u0b30\u0b24 \u0aad\u0abe\u0ab0\u0aa4 "
    "\u0a2d\u0a3e\u0a30\u0a24 \u09ad\u09be\u09f0\u09a4 \u09ad\u09be\u09b0\u09a4 \u09ac\u09be\u0982\u09b2\u09be "
    "\u092d\u093e\u0930\u094b\u0924 \u092d\u093e\u0930\u0924\u092e\u094d \u092d\u093e\u0930\u0924 "
    "\u0680\u0627\u0631\u062a \u067e\u0627\u06a9\u0633\u062a\u0627\u0646 "
    "\u0645\u0648\u0631\u064a\u062a\u0627\u0646\u064a\u0627 \u0645\u0644\u064a\u0633\u064a\u0627 "
    "\u0645\u0635\u0631 \u0642\u0637\u0631 \u0641\u0644\u0633\u0637\u064a\u0646 \u0639\u0645\u0627\u0646 "
    "\u0639\u0631\u0627\u0642 \u0633\u0648\u0631\u064a\u0629 \u0633\u0648\u062f\u0627\u0646 "
    "\u062a\u0648\u0646\u0633 \u0628\u06be\u0627\u0631\u062a \u0628\u0627\u0631\u062a "
    "\u0627\u06cc\u0631\u0627\u0646 \u0627\u0645\u0627\u0631\u0627\u062a \u0627\u0644\u0645\u063a\u0631\u0628 "
    "\u0627\u0644\u0633\u0639\u0648\u062f\u064a\u0629 \u0627\u0644\u062c\u0632\u0627\u0626\u0631 "
    "\u0627\u0644\u0628\u062d\u0631\u064a\u0646 \u0627\u0644\u0627\u0631\u062f\u0646 \u0570\u0561\u0575 "
    "\u049b\u0430\u0437 \u0443\u043a\u0440 \u0441\u0440\u0431 \u0440\u0444 \u043c\u043e\u043d \u043c\u043a\u0434 "
    "\u0435\u044e \u0431\u0435\u043b \u0431\u0433 \u03b5\u03c5 \u03b5\u03bb zw zm za yt ye ws wf vu vn vi vg ve vc "
    "va uz uy us um uk ug ua tz tw tv tt tr tp to tn tm tl tk tj th tg tf td tc sz sy sx sv su st ss sr so sn sm "
    "sl sk sj si sh sg se sd sc sb sa rw ru rs ro re qa py pw pt ps pr pn pm pl pk ph pg pf pe pa om nz nu nr np "
    "no nl ni ng nf ne nc na mz my mx mw mv mu mt ms mr mq mp mo mn mm ml mk mh mg mf me md mc ma ly lv lu lt ls "
    "lr lk li lc lb la kz ky kw kr kp kn km ki kh kg ke jp jo jm je it is ir iq io in im il ie id hu ht hr hn hm "
    "hk gy gw gu gt gs gr gq gp gn gm gl gi gh gg gf ge gd gb ga fr fo fm fk fj fi eu et es er eh eg ee ec dz do "
    "dm dk dj de cz cy cx cw cv cu cr co cn cm cl ck ci ch cg cf cd cc ca bz by bw bv bt bs br bq bo bn bm bl bj "
    "bi bh bg bf be bd bb ba az ax aw au at as ar aq ao an am al ai ag af ae ad ac "
)
BEFORE = r"\u0000-\u0022\u0025-\u002f\u003a-\u003f\u005b-\u0060\u007b-\ufefe\uff00-\uff02\uff04-\uff1f\uff21-\ufffd"
DOMAIN = (
    r"\u0000-\u0008\u000e-\u001f\u0022\u0030-\u0039\u0041-\u005a\u0060-\u007a\u007f-\u0084\u0086-\u009f\u00a1-\u061b"
    r"\u061d-\u167f\u1681-\u180d\u180f-\u1fff\u200b-\u200d\u2010-\u2027\u2030-\u205e\u2060-\u2065\u206a-\u2fff\u3001"
    r"-\ufefe\uff00-\ufffd"
)
ASCII_DOMAIN = (
    r"\u002d\u0030-\u0039\u0041-\u005a\u0061-\u007a\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253-\u0254\u0256-\u0257"
    r"\u0259\u025b\u0260\u0263\u0268-\u0269\u026f\u0272\u0275\u0280\u0283\u0288-\u028c\u0292\u02bb\u0300-\u036f"
    r"\u0399\u03b9\u1e00-\u1eff\u1fbe\u2c65-\u2c66\u2c7e-\u2c7f\ua7dc"
)
PATH = (
    r"\u0021\u0023-\u0027\u002a-\u003b\u003d\u0040-\u005b\u005d\u005f\u0061-\u007a\u007c\u007e\u00c0-\u00d6\u00d8-"
    r"\u00f6\u00f8-\u024f\u0253-\u0254\u0256-\u0257\u0259\u025b\u0260\u0263\u0268-\u0269\u026f\u0272\u0275\u0280"
    r"\u0283\u0288-\u028c\u0292\u02bb\u0300-\u036f\u0399\u03b9\u0400-\u04ff\u1c80-\u1c87\u1e00-\u1eff\u1fbe\u2013"
    r"\u2c65-\u2c66\u2c7e-\u2c7f\ua7dc"
)
PATH_END = (
    r"\u0023\u002b\u002d\u002f-\u0039\u003d\u0041-\u005a\u005f\u0061-\u007a\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
    r"\u0253-\u0254\u0256-\u0257\u0259\u025b\u0260\u0263\u0268-\u0269\u026f\u0272\u0275\u0280\u0283\u0288-\u028c"
    r"\u0292\u02bb\u0300-\u036f\u0399\u03b9\u0400-\u04ff\u1c80-\u1c87\u1e00-\u1eff\u1fbe\u2c65-\u2c66\u2c7e-\u2c7f"
    r"\ua7dc"
)
QUERY = r"\u0021\u0023-\u003b\u003d\u003f-\u005b\u005d\u005f\u0061-\u007a\u007c\u007e"
QUERY_END = r"\u0023\u0026\u002d\u002f-\u0039\u003d\u0041-\u005a\u005f\u0061-\u007a"
EMOJI = (
    r"(?:\ud83d[\udc68\udc69])(?:\ud83c[\udffb-\udfff])?\u200d(?:\u2695\ufe0f|\u2696\ufe0f|\u2708\ufe0f|\ud83c["
    r"\udf3e\udf73\udf93\udfa4\udfa8\udfeb\udfed]|\ud83d[\udcbb\udcbc\udd27\udd2c\ude80\ude92]|\ud83e[\uddb0-\uddb3]"
    r")|(?:\ud83c[\udfcb\udfcc]|\ud83d[\udd74\udd75]|\u26f9)((?:\ud83c[\udffb-\udfff]|\ufe0f)\u200d[\u2640\u2642]"
    r"\ufe0f)|(?:\ud83c[\udfc3\udfc4\udfca]|\ud83d[\udc6e\udc71\udc73\udc77\udc81\udc82\udc86\udc87\ude45-\ude47"
    r"\ude4b\ude4d\ude4e\udea3\udeb4-\udeb6]|\ud83e[\udd26\udd35\udd37-\udd39\udd3d\udd3e\uddb8\uddb9\uddd6-\udddd])"
    r"(?:\ud83c[\udffb-\udfff])?\u200d[\u2640\u2642]\ufe0f|(?:\ud83d\udc68\u200d\u2764\ufe0f\u200d\ud83d\udc8b\u200d"
    r"\ud83d\udc68|\ud83d\udc68\u200d\ud83d\udc68\u200d\ud83d\udc66\u200d\ud83d\udc66|\ud83d\udc68\u200d\ud83d\udc68"
    r"\u200d\ud83d\udc67\u200d\ud83d[\udc66\udc67]|\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc66\u200d\ud83d"
    r"\udc66|\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67\u200d\ud83d[\udc66\udc67]|\ud83d\udc69\u200d\u2764"
    r"\ufe0f\u200d\ud83d\udc8b\u200d\ud83d[\udc68\udc69]|\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc66\u200d"
    r"\ud83d\udc66|\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67\u200d\ud83d[\udc66\udc67]|\ud83d\udc68\u200d"
    r"\u2764\ufe0f\u200d\ud83d\udc68|\ud83d\udc68\u200d\ud83d\udc66\u200d\ud83d\udc66|\ud83d\udc68\u200d\ud83d\udc67"
    r"\u200d\ud83d[\udc66\udc67]|\ud83d\udc68\u200d\ud83d\udc68\u200d\ud83d[\udc66\udc67]|\ud83d\udc68\u200d\ud83d"
    r"\udc69\u200d\ud83d[\udc66\udc67]|\ud83d\udc69\u200d\u2764\ufe0f\u200d\ud83d[\udc68\udc69]|\ud83d\udc69\u200d"
    r"\ud83d\udc66\u200d\ud83d\udc66|\ud83d\udc69\u200d\ud83d\udc67\u200d\ud83d[\udc66\udc67]|\ud83d\udc69\u200d"
    r"\ud83d\udc69\u200d\ud83d[\udc66\udc67]|\ud83c\udff3\ufe0f\u200d\ud83c\udf08|\ud83c\udff4\u200d\u2620\ufe0f|"
    r"\ud83d\udc41\u200d\ud83d\udde8|\ud83d\udc68\u200d\ud83d[\udc66\udc67]|\ud83d\udc69\u200d\ud83d[\udc66\udc67]|"
    r"\ud83d\udc6f\u200d\u2640\ufe0f|\ud83d\udc6f\u200d\u2642\ufe0f|\ud83e\udd3c\u200d\u2640\ufe0f|\ud83e\udd3c"
    r"\u200d\u2642\ufe0f|\ud83e\uddde\u200d\u2640\ufe0f|\ud83e\uddde\u200d\u2642\ufe0f|\ud83e\udddf\u200d\u2640"
    r"\ufe0f|\ud83e\udddf\u200d\u2642\ufe0f)|[#*0-9]\ufe0f?\u20e3|(?:[\u00a9\u00ae\u2122\u265f]\ufe0f)|(?:\ud83c["
    r"\udc04\udd70\udd71\udd7e\udd7f\ude02\ude1a\ude2f\ude37\udf21\udf24-\udf2c\udf36\udf7d\udf96\udf97\udf99-\udf9b"
    r"\udf9e\udf9f\udfcd\udfce\udfd4-\udfdf\udff3\udff5\udff7]|\ud83d[\udc3f\udc41\udcfd\udd49\udd4a\udd6f\udd70"
    r"\udd73\udd76-\udd79\udd87\udd8a-\udd8d\udda5\udda8\uddb1\uddb2\uddbc\uddc2-\uddc4\uddd1-\uddd3\udddc-\uddde"
    r"\udde1\udde3\udde8\uddef\uddf3\uddfa\udecb\udecd-\udecf\udee0-\udee5\udee9\udef0\udef3]|[\u203c\u2049\u2139"
    r"\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23ed-\u23ef\u23f1\u23f2\u23f8-\u23fa\u24c2\u25aa\u25ab"
    r"\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u2620\u2622\u2623\u2626\u262a\u262e\u262f"
    r"\u2638-\u263a\u2640\u2642\u2648-\u2653\u2660\u2663\u2665\u2666\u2668\u267b\u267f\u2692-\u2697\u2699\u269b"
    r"\u269c\u26a0\u26a1\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea"
    r"\u26f0-\u26f5\u26f8\u26fa\u26fd\u2702\u2708\u2709\u270f\u2712\u2714\u2716\u271d\u2721\u2733\u2734\u2744\u2747"
    r"\u2757\u2763\u2764\u27a1\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299])(?:\ufe0f|("
    r"?!\ufe0e))|(?:(?:\ud83c[\udfcb\udfcc]|\ud83d[\udd74\udd75\udd90]|[\u261d\u26f7\u26f9\u270c\u270d])(?:\ufe0f|(?"
    r"!\ufe0e))|(?:\ud83c[\udf85\udfc2-\udfc4\udfc7\udfca]|\ud83d[\udc42\udc43\udc46-\udc50\udc66-\udc69\udc6e\udc70"
    r"-\udc78\udc7c\udc81-\udc83\udc85-\udc87\udcaa\udd7a\udd95\udd96\ude45-\ude47\ude4b-\ude4f\udea3\udeb4-\udeb6"
    r"\udec0\udecc]|\ud83e[\udd18-\udd1c\udd1e\udd1f\udd26\udd30-\udd39\udd3d\udd3e\uddb5\uddb6\uddb8\uddb9\uddd1-"
    r"\udddd]|[\u270a\u270b]))(?:\ud83c[\udffb-\udfff])?|(?:\ud83c\udff4\udb40\udc67\udb40\udc62\udb40\udc65\udb40"
    r"\udc6e\udb40\udc67\udb40\udc7f|\ud83c\udff4\udb40\udc67\udb40\udc62\udb40\udc73\udb40\udc63\udb40\udc74\udb40"
    r"\udc7f|\ud83c\udff4\udb40\udc67\udb40\udc62\udb40\udc77\udb40\udc6c\udb40\udc73\udb40\udc7f|\ud83c\udde6\ud83c"
    r"[\udde8-\uddec\uddee\uddf1\uddf2\uddf4\uddf6-\uddfa\uddfc\uddfd\uddff]|\ud83c\udde7\ud83c[\udde6\udde7\udde9-"
    r"\uddef\uddf1-\uddf4\uddf6-\uddf9\uddfb\uddfc\uddfe\uddff]|\ud83c\udde8\ud83c[\udde6\udde8\udde9\uddeb-\uddee"
    r"\uddf0-\uddf5\uddf7\uddfa-\uddff]|\ud83c\udde9\ud83c[\uddea\uddec\uddef\uddf0\uddf2\uddf4\uddff]|\ud83c\uddea"
    r"\ud83c[\udde6\udde8\uddea\uddec\udded\uddf7-\uddfa]|\ud83c\uddeb\ud83c[\uddee-\uddf0\uddf2\uddf4\uddf7]|\ud83c"
    r"\uddec\ud83c[\udde6\udde7\udde9-\uddee\uddf1-\uddf3\uddf5-\uddfa\uddfc\uddfe]|\ud83c\udded\ud83c[\uddf0\uddf2"
    r"\uddf3\uddf7\uddf9\uddfa]|\ud83c\uddee\ud83c[\udde8-\uddea\uddf1-\uddf4\uddf6-\uddf9]|\ud83c\uddef\ud83c["
    r"\uddea\uddf2\uddf4\uddf5]|\ud83c\uddf0\ud83c[\uddea\uddec-\uddee\uddf2\uddf3\uddf5\uddf7\uddfc\uddfe\uddff]|"
    r"\ud83c\uddf1\ud83c[\udde6-\udde8\uddee\uddf0\uddf7-\uddfb\uddfe]|\ud83c\uddf2\ud83c[\udde6\udde8-\udded\uddf0-"
    r"\uddff]|\ud83c\uddf3\ud83c[\udde6\udde8\uddea-\uddec\uddee\uddf1\uddf4\uddf5\uddf7\uddfa\uddff]|\ud83c\uddf4"
    r"\ud83c\uddf2|\ud83c\uddf5\ud83c[\udde6\uddea-\udded\uddf0-\uddf3\uddf7-\uddf9\uddfc\uddfe]|\ud83c\uddf6\ud83c"
    r"\udde6|\ud83c\uddf7\ud83c[\uddea\uddf4\uddf8\uddfa\uddfc]|\ud83c\uddf8\ud83c[\udde6-\uddea\uddec-\uddf4\uddf7-"
    r"\uddf9\uddfb\uddfd-\uddff]|\ud83c\uddf9\ud83c[\udde6\udde8\udde9\uddeb-\udded\uddef-\uddf4\uddf7\uddf9\uddfb"
    r"\uddfc\uddff]|\ud83c\uddfa\ud83c[\udde6\uddec\uddf2\uddf3\uddf8\uddfe\uddff]|\ud83c\uddfb\ud83c[\udde6\udde8"
    r"\uddea\uddec\uddee\uddf3\uddfa]|\ud83c\uddfc\ud83c[\uddeb\uddf8]|\ud83c\uddfd\ud83c\uddf0|\ud83c\uddfe\ud83c["
    r"\uddea\uddf9]|\ud83c\uddff\ud83c[\udde6\uddf2\uddfc]|\ud83c[\udccf\udd8e\udd91-\udd9a\udde6-\uddff\ude01\ude32"
    r"-\ude36\ude38-\ude3a\ude50\ude51\udf00-\udf20\udf2d-\udf35\udf37-\udf7c\udf7e-\udf84\udf86-\udf93\udfa0-\udfc1"
    r"\udfc5\udfc6\udfc8\udfc9\udfcf-\udfd3\udfe0-\udff0\udff4\udff8-\udfff]|\ud83d[\udc00-\udc3e\udc40\udc44\udc45"
    r"\udc51-\udc65\udc6a-\udc6d\udc6f\udc79-\udc7b\udc7d-\udc80\udc84\udc88-\udca9\udcab-\udcfc\udcff-\udd3d\udd4b-"
    r"\udd4e\udd50-\udd67\udda4\uddfb-\ude44\ude48-\ude4a\ude80-\udea2\udea4-\udeb3\udeb7-\udebf\udec1-\udec5\uded0-"
    r"\uded2\udeeb\udeec\udef4-\udef9]|\ud83e[\udd10-\udd17\udd1d\udd20-\udd25\udd27-\udd2f\udd3a\udd3c\udd40-\udd45"
    r"\udd47-\udd70\udd73-\udd76\udd7a\udd7c-\udda2\uddb4\uddb7\uddc0-\uddc2\uddd0\uddde-\uddff]|[\u23e9-\u23ec"
    r"\u23f0\u23f3\u267e\u26ce\u2705\u2728\u274c\u274e\u2753-\u2755\u2795-\u2797\u27b0\u27bf\ue50a])|\ufe0f"
)
