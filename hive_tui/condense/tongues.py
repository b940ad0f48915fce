"""Words of other languages than English by which people and agents say what kind of thing a sentence tells."""

import re

_WORDS = {
    "dead end": (
        # German, French, Spanish, Portuguese, Italian
        r"verworfen|funktioniert(?:e)? (?:so )?nicht|geht (?:so )?nicht|ging nicht|(?:bringt|brachte) nichts"
        r"|hat nichts (?:gebracht|genutzt|geändert)|half nicht|zurückgenommen|rückgängig|sackgasse|vergeblich"
        r"|ohne (?:erfolg|wirkung)|gescheitert|nicht gebracht|unbrauchbar"
        r"|ne (?:marche|fonctionne|sert|suffit) (?:pas|à rien)|n['’]a (?:rien|pas) (?:changé|donné|aidé|marché)"
        r"|sans (?:effet|succès)|abandonné\w*|impasse|revenu en arrière"
        r"|no (?:funcion[aó]|sirv[eió]+|ayud[aó]|cambi[aó])\w*|sin (?:éxito|efecto)|descartad[oa]|revertid[oa]"
        r"|não (?:funciona|funcionou|ajudou|adiantou)|sem (?:sucesso|efeito)|descartei"
        r"|non (?:funziona|serve|aiuta|ha (?:aiutato|funzionato))|senza (?:successo|effetto)|scartat[oa]"
        r"|не (?:помог\w*|работает|сработал\w*)|безуспешно|откатил\w*|бесполезно|тупик",
        r"没有?用|不行|行不通|失败|无效|撤销|回滚|没有效果|没效果|放弃"
        r"|うまくいか|効果が(?:な|あ?りません)|動きません|動かな|失敗|断念|元に戻し|だめ|ダメ|無駄"
        r"|효과가 없|실패|되돌|소용없",
    ),
    "cause": (
        r"ursache|liegt (?:an|in|daran)|schuld (?:ist|war)|kommt (?:von|daher)|verursacht"
        r"|la cause|à cause d|vient d[eu']|provient|provoqu[eé]"
        r"|la causa|se debe a|por culpa|a causa d[aei]|causad[oa]|provocad[oa]"
        r"|причин\w+|из-за|виноват\w*",
        r"原因|根因|由于|起因|원인",
    ),
    "decision": (
        r"entschieden|entscheide|beschlossen|stattdessen|statt|ich nehme|wir nehmen|bleiben? bei|anstelle|lieber"
        r"|choisi\w*|décid\w+|au lieu d|plutôt que|je prends|on prend|opt[eé]\w*"
        r"|decid[ioí]\w*|elij\w+|eleg[ií]\w*|en (?:lugar|vez) de|nos quedamos con|em vez de|escolh\w+"
        r"|scelgo|scelto|invece d|deciso"
        r"|решил\w*|решено|выбрал\w*|выбираем|вместо",
        r"决定|选择|改用|采用|代替|而不是|选用|にします|決め|決定|採用|代わりに|選び|대신|결정|선택",
    ),
    "next": (
        r"als nächstes|noch offen|bleibt noch|steht (?:noch )?aus|prochaine étape|reste à|à faire|pendiente\w*"
        r"|falta\w*|siguiente|próxim[oa]|дальше|осталось|следующ\w+",
        r"下一步|接下来|待办|还没|尚未|次は|残り|未対応|다음|남은",
    ),
    "rule": (
        r"nie|niemals|nicht|immer|nur|bleibt|bitte|muss|müssen|darf|dürfen|soll(?:en|te)?|kein\w*|verboten|erst"
        r"|jamais|pas|toujours|seulement|uniquement|doit|doivent|interdit|avant"
        r"|nunca|siempre|sólo|solo|debe\w*|prohibid[oa]|jamás|sempre|apenas|deve\w*|mai"
        r"|не|нельзя|всегда|только|никогда|должн\w+|надо|нужно",
        r"不要|别|必须|只能|禁止|不能|不得|务必|不可|しないで|ください|必ず|だけ|してはいけ|하지 마|반드시|금지",
    ),
}


def words_of(topic: str) -> str:
    """A pattern for what a topic is said by: words of alphabets whole, and scripts without blanks anywhere."""
    words, anywhere = _WORDS[topic]
    return rf"(?<!\w)(?:{words})(?!\w)|{anywhere}"


def pattern_of(topic: str) -> re.Pattern[str]:
    """The same, ready to search."""
    return re.compile(words_of(topic), re.IGNORECASE)
